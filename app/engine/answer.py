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
from app.domain.hit import Degraded, Found
from app.domain.ids import new_id
from app.engine.budget import Budget
from app.engine.cite import CiteOptions, Passages, Statement, quoted, render, statements
from app.engine.sanitise import sanitise
from app.engine.steps.write import Draft, WriteOptions, write
from retrievers.filters import EVERYTHING, Filter
from retrievers.types import CollectionId

GENERATOR = "extractive"
_CHANNELS = {"vector": "vector", "fulltext": "full-text", "graph": "graph", "sql": "table"}


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
    """An answer before it has an id and a price."""

    status: Status
    text: str
    trace: Mapping[str, Any]
    short: str | None = None
    citations: tuple[Citation, ...] = ()


class Ask:
    """Answers questions with verified citations."""

    def __init__(
        self, search: Searching, passages: Passages, options: AskOptions | None = None
    ) -> None:
        self._search, self._passages = search, passages
        self._options = options or AskOptions()

    async def ask(
        self,
        collection: CollectionId,
        question: str,
        top_k: int = 10,
        filter: Filter = EVERYTHING,
        seconds: float | None = None,
    ) -> Answer:
        """Answer one question.

        Args:
            seconds: Limit of the whole question; it can only lower the configured one.

        Raises:
            NoEvidence: Every channel failed. A question that the evidence does not answer is no
                error: its status is `unanswerable`.
        """
        began = time.monotonic()
        budget = self._options.budget.lowered(seconds=seconds)
        found: Found | None = None
        try:
            async with asyncio.timeout(budget.seconds):
                found = await self._search.search(collection, question, top_k, filter=filter)
                outcome = await self._answer(collection, question, found)
        except TimeoutError:
            outcome = _out_of_time(budget, found)
        hits, degraded = (found.hits, found.degraded) if found else ((), ())
        if outcome.status == "budget_exhausted":
            degraded = (*degraded, Degraded("budget", f"{budget.seconds:g} seconds have passed"))
        return Answer(
            id=new_id("ans"),
            question=question,
            status=outcome.status,
            answer=outcome.text,
            short_answer=outcome.short,
            citations=outcome.citations,
            evidence=hits,
            plan=None,
            degraded=degraded,
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

    async def _answer(self, collection: CollectionId, question: str, found: Found) -> _Outcome:
        draft = write(question, found.hits, _tables_lost(found), self._options.write)
        if draft.table is not None:
            told = draft.table.told
            text, citations = render([Statement(told.text, draft.table.rows)])
            return _Outcome("answered", text, _trace(draft), told.short, citations)
        if draft.reason != "supported":
            return _Outcome("unanswerable", _nothing(draft, found), _trace(draft))
        quotes = await quoted(draft.picks, self._passages, collection, self._options.cite)
        kept = statements(quotes)
        dropped = sum(quote is None for quote in quotes)
        trace = _trace(draft, [quote is not None for quote in quotes])
        if not kept:
            return _Outcome("unanswerable", _nothing(draft, found), {**trace, "reason": "changed"})
        text, citations = render(kept)
        gaps = _gaps(draft, dropped)
        return _Outcome(
            "partial" if gaps else "answered",
            " ".join((text, *gaps)),
            trace,
            _short(draft, quotes),
            citations,
        )


def _short(draft: Draft, quotes: Sequence[object | None]) -> str | None:
    """The short answer, if the sentence it stands in is shown and still stands."""
    for pick, quote in zip(draft.picks, quotes, strict=True):
        if pick is draft.short_pick and quote is not None and draft.short is not None:
            return sanitise(draft.short.text) or None
    return None


def _gaps(draft: Draft, dropped: int) -> list[str]:
    """What is missing from an answer that is given all the same, a sentence each."""
    gaps = []
    missing = draft.support.missing if draft.support else ()
    if missing and len(missing) == len(draft.asked.names):
        names = ", ".join(f"“{sanitise(name)}”" for name in missing)
        gaps.append(f"The passages found do not mention {names}.")
    if dropped:
        what = "A sentence was" if dropped == 1 else f"{dropped} sentences were"
        gaps.append(f"{what} left out: the document changed while this was written.")
    return gaps


def _nothing(draft: Draft, found: Found) -> str:
    """One sentence that says there is no answer, and what was searched."""
    if draft.reason == "store unavailable":
        return (
            "No answer: the question counts or sums, which needs the SQL source, and that did not"
            " answer."
        )
    searched = _searched(found)
    if not draft.read:
        return f"No answer was found: {searched} search of this collection returned no passage."
    if draft.read == 1:
        return (
            f"No answer was found: the passage that {searched} search returned does not hold one."
        )
    return (
        f"No answer was found: the {draft.read} passages that {searched} search returned do not"
        " hold one."
    )


def _tables_lost(found: Found) -> bool:
    """Whether the SQL channel was asked and failed; left out by a filter, it was not asked."""
    return any(
        entry["channel"] == "sql" and entry.get("status") in ("timeout", "error", "skipped")
        for entry in found.trace.get("channels", ())
    )


def _searched(found: Found) -> str:
    """The channels that answered, as in "vector, full-text and graph"."""
    ran = [
        _CHANNELS.get(entry["channel"], entry["channel"])
        for entry in found.trace.get("channels", ())
        if entry.get("status") == "ok"
    ]
    if not ran:
        ran = sorted({_CHANNELS.get(name, name) for hit in found.hits for name in hit.channels})
    return " and ".join(part for part in (", ".join(ran[:-1]), *ran[-1:]) if part) or "the"


def _out_of_time(budget: Budget, found: Found | None) -> _Outcome:
    what = "its quotes were verified" if found else "anything was found"
    return _Outcome(
        "budget_exhausted",
        f"No answer: the limit of {budget.seconds:g} seconds passed before {what}.",
        {"reason": "deadline"},
    )


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
