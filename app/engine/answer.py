"""One question, top to bottom: decide, plan, follow the plan, search, write, verify.

Without a language model every sentence of an answer is a sentence of a stored document, says what
rows of a table hold, or what an operator computed from quoted values.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from app.domain.answer import Answer, Usage
from app.domain.events import (
    ChannelSeen,
    Completed,
    Created,
    Listener,
    Planned,
    Retrieved,
    Selected,
    StepCompleted,
    StepStarted,
    unheard,
)
from app.domain.hit import Found, Hit
from app.domain.ids import new_id
from app.engine import missing, traces
from app.engine.budget import Budget
from app.engine.cite import Passages
from app.engine.model import LanguageModel
from app.engine.page import Page
from app.engine.ranking import multihop
from app.engine.reasoning.direct import gather
from app.engine.reasoning.lag import Lag, Thought
from app.engine.request import Request
from app.engine.run import Run
from app.engine.steps.rewrite import standalone
from app.engine.writers import EXTRACTIVE, Outcome, WriterOptions, Writers
from retrievers.filters import Filter
from retrievers.types import CollectionId, Query

WHOLE = "0"
"""Id of the step that searches for the question as it is."""


class Searching(Protocol):
    """One query to one collection."""

    async def search(
        self,
        collection: CollectionId,
        text: str,
        top_k: int,
        *,
        filter: Filter,
        planned: multihop.Planned | None = None,
    ) -> Found:
        """At most `top_k` hits, best first; `NoEvidence` when every channel failed."""
        ...


@dataclass(frozen=True, slots=True)
class AskOptions:
    """What one question may use."""

    budget: Budget = field(default_factory=Budget)
    writers: WriterOptions = field(default_factory=WriterOptions)


@dataclass(slots=True)
class _Work:
    """What is done so far; kept when the time is over."""

    run: Run
    page: Page
    asked: str = ""  # the question as it stands alone
    thought: Thought = field(default_factory=lambda: Thought({"decision": "open"}))
    found: Found | None = None
    rounds: list[dict[str, Any]] = field(default_factory=list)  # of the whole question


class Ask:
    """Answers questions with verified citations.

    Args:
        lag: Splits hard questions; None where the graph is off: then none is split.
        model: Takes part in every step it can; None leaves their counterparts by rules.
    """

    def __init__(
        self,
        search: Searching,
        passages: Passages,
        options: AskOptions | None = None,
        lag: Lag | None = None,
        model: LanguageModel | None = None,
    ) -> None:
        self._search, self._lag, self._model = search, lag, model
        self._options = options or AskOptions()
        self._writers = Writers(passages, self._options.writers)

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
        work = _Work(run, Page(run))
        id = new_id("ans")
        run.tell(Created(id, request.question, request.reasoning))
        try:
            async with asyncio.timeout(budget.seconds):
                outcome = await self._answered(collection, request, work)
        except TimeoutError:
            run.degrade("budget", f"{budget.seconds:g} seconds have passed")
            work.page.remark(missing.out_of_time(budget, work.found, work.page.text))
            # Rules write a page at once: what stands on one that was cut short is a model's.
            author = self._model.name if self._model and work.page.citations else EXTRACTIVE
            outcome = Outcome("budget_exhausted", {"reason": "deadline"}, generator=author)
        answer = self._closed(id, request, work, outcome, began)
        run.tell(Completed(answer))
        return answer

    async def _answered(self, collection: CollectionId, request: Request, work: _Work) -> Outcome:
        run = work.run
        work.asked = asked = await standalone(run, request.question, request.turns)
        query = Query(collection, asked, request.filter)
        if self._lag is None:
            work.thought = Thought({"decision": "direct", "reason": "no passage graph"})
        else:
            work.thought = await self._lag.plan(run, query, request.reasoning)
        run.tell(Planned(work.thought.gate, traces.plan(work.thought)))
        if self._lag is not None:
            work.thought = await self._lag.follow(run, query, work.thought)
        work.found = found = await self._evidence(run, query, request.top_k, work)
        run.tell(Selected(found.hits))
        outcome = await self._written(collection, asked, found, work)
        if run.limited and outcome.status in ("partial", "unanswerable"):
            work.page.remark(missing.limited(run.limited))
            run.degrade("budget", missing.limited(run.limited))
            return replace(outcome, status="budget_exhausted")
        return outcome

    async def _written(
        self, collection: CollectionId, question: str, found: Found, work: _Work
    ) -> Outcome:
        run, page, thought = work.run, work.page, work.thought
        if thought.verdict is not None:
            computed = await self._writers.verdict(collection, thought.verdict, page)
            if computed is not None:
                return computed
        written = await self._writers.model(run, collection, question, found, thought, page)
        if written is not None:
            return written
        return await self._writers.extractive(collection, question, found, thought, page)

    async def _evidence(self, run: Run, query: Query, top_k: int, work: _Work) -> Found:
        """The whole question's search, in which the nodes' passages take part."""
        followed = work.thought.followed
        run.tell(StepStarted(WHOLE, query.text))

        async def search(text: str, number: int, why: str) -> Found:
            run.ledger.query()
            found = await self._search.search(
                query.collection, text, top_k, filter=query.filter, planned=followed
            )
            run.tell(Retrieved(WHOLE, number, text, _seen(found)))
            work.rounds.append(traces.searched(number, why, found))
            return found

        if self._lag is None or followed is not None:
            found = await search(query.text, 1, "the question")
            if followed is not None:
                found = replace(found, hits=_first(followed.used, found.hits, top_k))
        else:
            found, looped = await gather(run, self._lag.loop, WHOLE, query.text, top_k, search)
            work.thought = replace(work.thought, looped=looped)
        for lost in followed.degraded if followed else ():
            run.degrade(lost.component, lost.reason)
        looped = work.thought.looped
        said = looped.answer.text if looped and looped.answer else None
        run.tell(StepCompleted(WHOLE, "resolved", said, looped.reason if looped else "searched"))
        return found

    def _closed(
        self, id: str, request: Request, work: _Work, outcome: Outcome, began: float
    ) -> Answer:
        run, page, found = work.run, work.page, work.found
        spent = run.ledger.spent
        plan = traces.plan(work.thought, outcome.short)
        trace = {
            "mode": "lag" if work.thought.plan else "direct",
            "asked_as": work.asked,
            **traces.reasoning(work.thought, work.rounds, run),
            "plan": plan,
            **outcome.trace,
        }
        return Answer(
            id=id,
            question=request.question,
            status=outcome.status,
            answer=page.text,
            short_answer=outcome.short,
            citations=tuple(page.citations),
            evidence=found.hits if found else (),
            plan=plan,
            degraded=(*(found.degraded if found else ()), *run.degraded),
            usage=Usage(
                llm_calls=spent.calls,
                prompt_tokens=spent.prompt_tokens,
                completion_tokens=spent.completion_tokens,
                took_ms=round(1000 * (time.monotonic() - began), 3),
            ),
            generator=outcome.generator,
            created_at=datetime.now(UTC),
            trace=trace,
        )


def _first(used: Sequence[Hit], hits: Sequence[Hit], top_k: int) -> tuple[Hit, ...]:
    """What a plan's answers rest on comes before what was found for the question as a whole.

    The joint selection may leave it out, and what is not among the evidence cannot be cited.
    """
    known = {hit.key: hit for hit in hits}
    ordered = {hit.key: known.get(hit.key, hit) for hit in used} | known
    return tuple(ordered.values())[:top_k]


def _seen(found: Found) -> list[ChannelSeen]:
    return [
        ChannelSeen(one["channel"], one["status"], one.get("found", 0), one.get("took_ms", 0.0))
        for one in found.trace.get("channels", ())
    ]
