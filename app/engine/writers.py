"""Three ways to write an answer, the surest first: a computed verdict, a model, quoted sentences.

Each puts verified statements on the page, or leaves it as it is and returns None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain.answer import Status
from app.domain.hit import Found
from app.engine import missing
from app.engine.cite import CiteOptions, Passages, Statement, quoted, statements
from app.engine.operators.operate import Undecided, Verdict
from app.engine.page import Page
from app.engine.reading.passage import folded
from app.engine.reading.question import asked
from app.engine.reasoning.found import Hop
from app.engine.reasoning.join import Joined
from app.engine.reasoning.lag import Thought
from app.engine.run import Run
from app.engine.sanitise import sanitise
from app.engine.steps.checker import SynthOptions
from app.engine.steps.synth import Note, Synthesis, synthesise
from app.engine.steps.write import STEP, Draft, Pick, WriteOptions, write
from retrievers.types import CollectionId

EXTRACTIVE = "extractive"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an answer beside its text, which the page holds."""

    status: Status
    trace: Mapping[str, Any]
    short: str | None = None
    generator: str = EXTRACTIVE


@dataclass(frozen=True, slots=True)
class WriterOptions:
    """How answers are written."""

    write: WriteOptions = field(default_factory=WriteOptions)
    cite: CiteOptions = field(default_factory=CiteOptions)
    synth: SynthOptions = field(default_factory=SynthOptions)


class Writers:
    """Writes on pages; every quote is read back from the stored text first."""

    def __init__(self, passages: Passages, options: WriterOptions | None = None) -> None:
        self._passages, self._options = passages, options or WriterOptions()

    async def verdict(self, collection: CollectionId, joined: Joined, page: Page) -> Outcome | None:
        """What an operator computed, with the sentences that hold its operands."""
        if not isinstance(joined.result, Verdict):
            return None
        picks = list({_place(p): p for sub in joined.operands for p in sub.picks}.values())
        quotes = await quoted(picks, self._passages, collection, self._options.cite)
        rows = tuple(dict.fromkeys(table for sub in joined.operands for table in sub.tables))
        if any(not sub.picks and not sub.tables for sub in joined.operands):
            return None
        kept = [quote for quote in quotes if quote is not None]
        # An operand whose sentence is gone leaves the verdict without a leg.
        if len(kept) < len(picks) or not (kept or rows):
            return None
        text = sanitise(joined.result.text)
        if not text:
            return None
        page.state(Statement(text, (*kept, *rows)))
        for statement in statements(kept):
            page.state(statement)
        trace = {"reason": "computed", "statements": _shown(picks, quotes)}
        return Outcome("answered", trace, sanitise(joined.result.short) or None)

    async def model(
        self,
        run: Run,
        collection: CollectionId,
        question: str,
        found: Found,
        thought: Thought,
        page: Page,
    ) -> Outcome | None:
        """What a model writes, as far as it can be verified; None where it writes nothing."""
        if missing.tables_lost(found) and asked(question).aggregate:
            return None  # a count or a sum is never guessed from prose
        made = await synthesise(
            run,
            question,
            _notes(question, thought),
            found.hits,
            collection,
            self._passages,
            page.state,
            self._options.synth,
        )
        if made is None or made.outcome == "failed":
            return None
        trace = {"synthesis": _synthesis(made)}
        if made.outcome == "no answer":
            page.remark(missing.unheld(found))
            return Outcome(
                "unanswerable",
                {**trace, "reason": "not supported"},
                generator=made.model or EXTRACTIVE,
            )
        if made.outcome == "nothing verified":
            run.degrade("llm", f"{STEP}: nothing that it wrote could be verified")
            return None
        gaps = [*missing.unverified(made.dropped), *missing.cut(made.cut), *_open(thought)]
        for gap in gaps:
            page.remark(gap)
        status: Status = "partial" if gaps else "answered"
        generator = made.model or EXTRACTIVE
        return Outcome(status, {**trace, "reason": "supported"}, made.short, generator)

    async def extractive(
        self, collection: CollectionId, question: str, found: Found, thought: Thought, page: Page
    ) -> Outcome:
        """Verbatim sentences and rows, or one sentence on why there are none."""
        passed = [t for hop in _inner(thought) if hop.answer for t in hop.answer.tables]
        hits = [hit for hit in found.hits if hit.rows is None or hit.rows not in passed]
        draft = write(
            question, hits, missing.tables_lost(found), self._options.write, found.signals
        )
        if draft.table is not None:
            told = draft.table.told
            page.state(Statement(told.text, (draft.table.rows,)))
            return Outcome("answered", _trace(draft), told.short)
        if draft.reason != "supported":
            page.remark(missing.nothing(draft, found))
            return Outcome("unanswerable", _trace(draft))
        quotes = await quoted(draft.picks, self._passages, collection, self._options.cite)
        kept = statements(quotes)
        trace = {**_trace(draft), "statements": _shown(draft.picks, quotes)}
        if not kept:
            page.remark(missing.nothing(draft, found))
            return Outcome("unanswerable", {**trace, "reason": "changed"})
        for statement in kept:
            page.state(statement)
        dropped = sum(quote is None for quote in quotes)
        gaps = [*missing.unmentioned(draft), *missing.left_out(dropped), *_open(thought)]
        for sentence in (*missing.differing(draft), *gaps):
            page.remark(sentence)
        return Outcome("partial" if gaps else "answered", trace, _short(draft, quotes, thought))


def _synthesis(made: Synthesis) -> dict[str, Any]:
    """What a model wrote, statement by statement."""
    return {
        "outcome": made.outcome,
        "dropped": made.dropped,
        "cut": made.cut,
        "statements": [
            {"text": one.text, "chunk_ids": list(one.passages), "outcome": one.outcome}
            for one in made.statements
        ],
    }


def _notes(question: str, thought: Thought) -> list[Note]:
    """What the nodes found, for the model; guesses are not told as if they were known."""
    notes = [
        Note(hop.text, hop.answer.text)
        for hop in thought.hops.values()
        if hop.answer is not None and hop.answer.trusted
    ]
    looped = thought.looped
    if looped is not None and looped.answer is not None:
        notes.append(Note(question, looped.answer.text))
    for one in thought.joined:
        if isinstance(one.result, Verdict):
            notes.append(Note(one.node.text, one.result.text))
    return notes


def _open(thought: Thought) -> list[str]:
    """What of a plan has no answer, whatever kept it from one, but for what only waits for it."""
    stopped = [
        hop
        for hop in thought.hops.values()
        if hop.status == "stopped" and hop.reason != "dependency_failed"
    ]
    gaps = [f"No answer was found to: “{sanitise(hop.text)}”." for hop in stopped]
    last = thought.joined[-1] if thought.joined else None
    if last is None or not isinstance(last.result, Undecided):
        return gaps
    if last.complete:
        return [*gaps, f"This was left open: {sanitise(last.result.reason)}."]
    unread = [thought.hops[id] for id in last.node.needs if id in thought.hops]
    return gaps + [
        f"No value was found for: “{sanitise(hop.text)}”."
        for hop in unread
        if hop.answer is None and hop.status != "stopped"
    ]


def _place(pick: Pick) -> tuple[str, int, int]:
    return pick.chunk.key, pick.start, pick.end


def _short(draft: Draft, quotes: Sequence[object | None], thought: Thought) -> str | None:
    """The short answer, if the sentence it stands in is shown and still stands.

    What a plan only passed through answers another question.
    """
    for pick, quote in zip(draft.picks, quotes, strict=True):
        if pick is draft.short_pick and quote is not None and draft.short is not None:
            text = sanitise(draft.short.text)
            return text if text and folded(text) not in _passed(thought) else None
    return None


def _passed(thought: Thought) -> set[str]:
    """What nodes said that are not the last one."""
    return {folded(hop.said) for hop in _inner(thought) if hop.said is not None}


def _inner(thought: Thought) -> list[Hop]:
    """The nodes whose answers are not the question's."""
    final = thought.plan.final if thought.plan else None
    return [hop for hop in thought.hops.values() if hop.node != final]


def _shown(picks: Sequence[Pick], quotes: Sequence[object | None]) -> list[dict[str, Any]]:
    return [
        {
            "chunk_id": pick.chunk.key,
            "start": pick.chunk.start + pick.start,
            "end": pick.chunk.start + pick.end,
            "share": round(pick.share, 6),
            "verified": quote is not None,
        }
        for pick, quote in zip(picks, quotes, strict=True)
    ]


def _trace(draft: Draft) -> dict[str, Any]:
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
            "signs": dict(support.signs),
        },
        "passages_read": draft.read,
        "statements": [],
        "conflicts": [list(draft.differing)] if draft.differing else [],
        "short_answer": draft.short
        and {"text": draft.short.text, "probability": round(draft.short.probability, 6)},
    }
