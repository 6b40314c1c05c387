"""Values of the domain as JSON. Plain dictionaries: models would validate ten hits again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from app.api.kinds import KINDS
from app.domain.answer import Answer, Citation
from app.domain.documents import Collection, Document
from app.domain.hit import Degraded, Hit
from app.domain.jobs import Job
from app.store.documents import Listed
from retrievers.types import Rows

encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def reply(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON in UTF-8."""
    return Response(encoded(body).encode(), status, headers, "application/json")


def instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rows(found: Rows) -> dict[str, Any]:
    """The outcome of one SQL statement."""
    return {
        "source": found.source,
        "statement": found.statement,
        "columns": found.columns,
        "rows": found.rows,
        "truncated": found.truncated,
    }


def hit(found: Hit, rank: int) -> dict[str, Any]:
    """A hit at its place, from 1."""
    chunk, table = found.chunk, found.rows
    return {
        "rank": rank,
        "score": found.score,
        "document_id": chunk.document_id if chunk else None,
        "chunk_id": chunk.key if chunk else None,
        "title": chunk.title if chunk else None,
        "text": chunk.text if chunk else None,
        "start": chunk.start if chunk else None,
        "end": chunk.end if chunk else None,
        "metadata": _own(chunk.metadata) if chunk else None,
        "channels": {
            name: {"rank": standing.rank, "score": standing.score}
            for name, standing in found.channels.items()
        },
        "sql": rows(table) if table else None,
    }


def hits(found: Sequence[Hit]) -> list[dict[str, Any]]:
    """Hits with dense ranks."""
    return [hit(item, rank) for rank, item in enumerate(found, 1)]


def degraded(found: Sequence[Degraded]) -> list[dict[str, str]]:
    """What was left out."""
    return [{"component": item.component, "reason": item.reason} for item in found]


def citation(found: Citation) -> dict[str, Any]:
    """A citation; one from tables has null document fields."""
    return {
        "mark": found.mark,
        "start": found.start,
        "end": found.end,
        "document_id": found.document_id,
        "chunk_id": found.chunk_id,
        "source_start": found.source_start,
        "source_end": found.source_end,
        "quote": found.quote,
        "sql": rows(found.rows) if found.rows else None,
    }


def answer(found: Answer) -> dict[str, Any]:
    """An answer without its trace."""
    return {
        "id": found.id,
        "question": found.question,
        "status": found.status,
        "answer": found.answer,
        "short_answer": found.short_answer,
        "citations": [citation(item) for item in found.citations],
        "evidence": hits(found.evidence),
        "plan": found.plan,
        "degraded": degraded(found.degraded),
        "usage": {
            "llm_calls": found.usage.llm_calls,
            "prompt_tokens": found.usage.prompt_tokens,
            "completion_tokens": found.usage.completion_tokens,
            "took_ms": found.usage.took_ms,
        },
        "generator": found.generator,
        "created_at": instant(found.created_at),
    }


def job(found: Job) -> dict[str, Any]:
    """A job as it stands."""
    failed = len(found.failures)
    return {
        "id": found.id,
        "kind": found.kind,
        "status": found.status,
        "stage": found.stage,
        "done": found.done,
        "total": found.total,
        "error": _problem(found.error, found.id) if found.error is not None else None,
        "attempt": found.attempt,
        "documents": {
            "succeeded": max(0, found.done - failed - found.unchanged),
            "failed": failed,
            "unchanged": found.unchanged,
        },
        "failures": [
            {**failure, "problem": _problem(failure["problem"], found.id)}
            for failure in found.failures
        ],
        "created_at": instant(found.created_at),
        "finished_at": instant(found.finished_at),
    }


def collection(found: Collection) -> dict[str, Any]:
    """A collection."""
    return {
        "name": found.name,
        "description": found.description,
        "language": found.language,
        "embedding_model": found.embedder or None,
        "created_at": instant(found.created_at),
    }


def document(found: Document, collection_name: str) -> dict[str, Any]:
    """The live version of a document, with its stored text."""
    return {"collection": collection_name, "text": found.text, **listed(found)}


def listed(found: Document | Listed) -> dict[str, Any]:
    """A document without its text."""
    return {
        "id": found.id,
        "title": found.title,
        "media_type": found.media_type,
        "version": found.version,
        "metadata": _own(found.metadata),
        "created_at": instant(found.created_at),
        "updated_at": instant(found.updated_at),
    }


def _problem(told: Mapping[str, Any], job_id: str) -> dict[str, Any]:
    """What a job says of itself, with the members that every problem has."""
    kind = KINDS.get(str(told.get("code")), KINDS["internal"])
    known = {
        "type": f"/docs/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": "",
        "instance": f"/v1/jobs/{job_id}",
        "code": kind.slug,
    }
    return {**known, **told}


def _own(metadata: Any) -> dict[str, Any]:
    # Built-in `$` keys may ride along for filters; they are not the caller's metadata.
    return {key: value for key, value in metadata.items() if not key.startswith("$")}
