"""One question, top to bottom: search, choose what to quote, read the quotes back, answer.

Only the direct path: one search with the question as it is. There is no language model in it; every
sentence of an answer is a sentence of a stored document, or says what rows of a table hold.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from app.domain.answer import Answer, Citation, Status, Usage
from app.domain.events import (
    Cited,
    Completed,
    Created,
    Delta,
    Listener,
    Planned,
    Selected,
    unheard,
)
from app.domain.hit import Found
from app.domain.ids import new_id
from app.engine import missing
from app.engine.budget import Budget
from app.engine.cite import CiteOptions, Passages, Statement, quoted, rendered, statements
from app.engine.model import LanguageModel
from app.engine.request import Request
from app.engine.run import Run
from app.engine.sanitise import sanitise
from app.engine.steps.write import Draft, WriteOptions, write
from retrievers.filters import Filter
from retrievers.types import CollectionId

GENERATOR = "extractive"


class Searching(Protocol):
    """One query to one collection."""

    async def search(
        self, collection: CollectionId, text: str, top_k: int, *, filter: Filter
    ) -> Found:
        """At most `top_k` hits, best first; `NoEvidence` when every channel failed."""
        ...


@dataclass(frozen=True, slots=True)
class AskOptions:
    """What one question may use."""

    budget: Budget = field(default_factory=Budget)
    write: WriteOptions = field(default_factory=WriteOptions)
    cite: CiteOptions = field(default_factory=CiteOptions)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of an answer beside its text, which the page holds."""

    status: Status
    trace: Mapping[str, Any]
    short: str | None = None


class _Page:
    """The answer's text while it grows; what stands on it was told and is not taken back."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.text = ""
        self.citations: list[Citation] = []

    def state(self, statement: Statement) -> None:
        """Add a verified statement."""
        text, citations = rendered(statement, self.text, len(self.citations) + 1)
        self._add(text)
        self.citations += citations
        for citation in citations:
            self._run.tell(Cited(citation))

    def remark(self, sentence: str) -> None:
        """Add a sentence of our own, which cites nothing."""
        self._add(f" {sentence}" if self.text else sentence)

    def _add(self, text: str) -> None:
        self.text += text
        self._run.tell(Delta(text))


class Ask:
    """Answers questions with verified citations."""

    def __init__(
        self,
        search: Searching,
        passages: Passages,
        options: AskOptions | None = None,
        model: LanguageModel | None = None,
    ) -> None:
        self._search, self._passages, self._model = search, passages, model
        self._options = options or AskOptions()

    async def ask(
        self, collection: CollectionId, request: Request, listen: Listener = unheard
    ) -> Answer:
        """Answer one question.

        Args:
            listen: Is told what happens; the last event holds the answer that is returned.

        Raises:
            NoEvidence: Every channel failed. A question that the evidence does not answer is no
                error: its status is `unanswerable`.
        """
        began = time.monotonic()
        budget = self._options.budget.lowered(**request.limits)
        run = Run(budget, self._model, listen, request.generation)
        id = new_id("ans")
        run.tell(Created(id, request.question, request.reasoning))
        page = _Page(run)
        found: Found | None = None
        try:
            async with asyncio.timeout(budget.seconds):
                run.tell(Planned({"decision": "direct"}, None))
                found = await self._search.search(
                    collection, request.question, request.top_k, filter=request.filter
                )
                run.tell(Selected(found.hits))
                outcome = await self._answer(collection, request.question, found, page)
        except TimeoutError:
            run.degrade("budget", f"{budget.seconds:g} seconds have passed")
            page.remark(missing.out_of_time(budget, found))
            outcome = _Outcome("budget_exhausted", {"reason": "deadline"})
        answer = Answer(
            id=id,
            question=request.question,
            status=outcome.status,
            answer=page.text,
            short_answer=outcome.short,
            citations=tuple(page.citations),
            evidence=found.hits if found else (),
            plan=None,
            degraded=(*(found.degraded if found else ()), *run.degraded),
            usage=Usage(took_ms=round(1000 * (time.monotonic() - began), 3)),
            generator=GENERATOR,
            created_at=datetime.now(UTC),
            trace={
                "mode": "direct",
                "search": dict(found.trace) if found else None,
                **outcome.trace,
                "budget": {"seconds": budget.seconds},
            },
        )
        run.tell(Completed(answer))
        return answer

    async def _answer(
        self, collection: CollectionId, question: str, found: Found, page: _Page
    ) -> _Outcome:
        draft = write(question, found.hits, missing.tables_lost(found), self._options.write)
        if draft.table is not None:
            told = draft.table.told
            page.state(Statement(told.text, (draft.table.rows,)))
            return _Outcome("answered", _trace(draft), told.short)
        if draft.reason != "supported":
            page.remark(missing.nothing(draft, found))
            return _Outcome("unanswerable", _trace(draft))
        quotes = await quoted(draft.picks, self._passages, collection, self._options.cite)
        kept = statements(quotes)
        trace = _trace(draft, [quote is not None for quote in quotes])
        if not kept:
            page.remark(missing.nothing(draft, found))
            return _Outcome("unanswerable", {**trace, "reason": "changed"})
        for statement in kept:
            page.state(statement)
        dropped = sum(quote is None for quote in quotes)
        gaps = [*missing.unmentioned(draft), *missing.left_out(dropped)]
        for gap in gaps:
            page.remark(gap)
        return _Outcome("partial" if gaps else "answered", trace, _short(draft, quotes))


def _short(draft: Draft, quotes: Sequence[object | None]) -> str | None:
    """The short answer, if the sentence it stands in is shown and still stands."""
    for pick, quote in zip(draft.picks, quotes, strict=True):
        if pick is draft.short_pick and quote is not None and draft.short is not None:
            return sanitise(draft.short.text) or None
    return None


def _trace(draft: Draft, stands: Sequence[bool] = ()) -> dict[str, Any]:
    support = draft.support
    return {
        "reason": draft.reason,
        "asked": {
            "kind": draft.asked.kind,
            "terms": list(draft.asked.terms),
            "names": list(draft.asked.names),
            "aggregate": draft.asked.aggregate,
        },
        "support": support
        and {
            "score": support.score,
            "threshold": support.threshold,
            "best_cosine": support.best_cosine,
            "uncovered": support.uncovered,
            "best_sentence": support.best_sentence,
            "untyped": support.untyped,
            "missing": list(support.missing),
        },
        "passages_read": draft.read,
        "statements": [
            {
                "chunk_id": pick.chunk.key,
                "start": pick.chunk.start + pick.start,
                "end": pick.chunk.start + pick.end,
                "share": round(pick.share, 6),
                "verified": verified,
            }
            for pick, verified in zip(draft.picks, stands, strict=False)
        ],
        "short_answer": draft.short
        and {"text": draft.short.text, "probability": round(draft.short.probability, 6)},
    }
