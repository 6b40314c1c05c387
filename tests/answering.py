"""Hits, stored texts and a search with a fixed outcome, for tests of the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.errors import NoEvidence, NotFound
from app.domain.hit import Degraded, Found, Hit, Standing
from app.engine.ranking.multihop import Planned
from retrievers.filters import Filter
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey, Evidence, Rows

HERE = CollectionId(1)


def chunk(document_id: str, text: str, title: str = "", start: int = 0, ordinal: int = 0) -> Chunk:
    """A passage that stands at `start` of its document."""
    return Chunk(
        id=ChunkId(abs(hash((document_id, ordinal))) % 10**9),
        key=f"chk_{document_id}_{ordinal}",
        document=DocumentKey(1),
        document_id=document_id,
        title=title,
        context="",
        text=text,
        start=start,
        end=start + len(text),
        ordinal=ordinal,
        metadata={},
    )


def hit(passage: Chunk, cosine: float | None = 0.6, rank: int = 1) -> Hit:
    """A hit of the vector channel; without a cosine, of full text only."""
    channels = {"fulltext": Standing(rank, 10.0 / rank)}
    if cosine is not None:
        channels["vector"] = Standing(rank, cosine)
    return Hit(Evidence(passage.key, "fulltext", 1.0, passage), 1 / rank, channels)


def hits(*passages: Chunk, cosines: Sequence[float | None] | None = None) -> list[Hit]:
    """Hits in this order; cosines fall from .7 unless given."""
    near = cosines or [0.7 - 0.1 * place for place in range(len(passages))]
    return [hit(p, c, rank) for rank, (p, c) in enumerate(zip(passages, near, strict=True), 1)]


def table(rows: Rows, confidence: float = 0.9) -> Hit:
    """A hit of the SQL channel."""
    evidence = Evidence("sql_1", "sql", confidence, rows)
    return Hit(evidence, confidence, {"sql": Standing(1, confidence)})


def rows(columns: Sequence[str], *values: Sequence[object], truncated: bool = False) -> Rows:
    """What a statement returned."""
    return Rows(
        "town", "SELECT …", tuple(columns), tuple(tuple(value) for value in values), truncated
    )


@dataclass
class Stored:
    """Stored texts by document id; satisfies `cite.Passages`."""

    texts: dict[str, str] = field(default_factory=dict)
    reads: list[tuple[str, int, int]] = field(default_factory=list)

    async def slice(self, collection: CollectionId, document_id: str, start: int, end: int) -> str:
        self.reads.append((document_id, start, end))
        if document_id not in self.texts:
            raise NotFound("no such document")
        return self.texts[document_id][start:end]


class FixedSearch:
    """A search whose outcome is known before the question is asked."""

    def __init__(
        self,
        found: Sequence[Hit],
        channels: Mapping[str, str] | None = None,
        degraded: Sequence[Degraded] = (),
    ) -> None:
        statuses = channels or {"vector": "ok", "fulltext": "ok", "graph": "ok"}
        trace = {"channels": [{"channel": c, "status": s} for c, s in statuses.items()]}
        self.found = Found(tuple(found), "single", tuple(degraded), trace)
        self.asked: list[tuple[CollectionId, str, int, Filter]] = []

    async def search(
        self,
        collection: CollectionId,
        text: str,
        top_k: int,
        *,
        filter: Filter,
        planned: Planned | None = None,
    ) -> Found:
        self.asked.append((collection, text, top_k, filter))
        return self.found


class EndlessSearch:
    """A search that never comes back."""

    async def search(self, *_: object, **__: object) -> Found:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


class BrokenSearch:
    """A search without a working channel."""

    async def search(self, *_: object, **__: object) -> Found:
        raise NoEvidence("no retriever could answer")
