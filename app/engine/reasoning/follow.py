"""Follows a plan over the live channels: every node asked, its answers bound into the next."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.domain.events import StepCompleted, StepStarted
from app.domain.plan import Plan, SubQuestion
from app.engine.operators.operate import Undecided
from app.engine.ranking.appraise import Appraiser
from app.engine.ranking.wave import WaveOptions
from app.engine.reasoning.followed import Followed
from app.engine.reasoning.found import Hop, Sub
from app.engine.reasoning.grounds import about
from app.engine.reasoning.join import Joined, join
from app.engine.reasoning.memory import Memory, MemoryOptions, Record
from app.engine.reasoning.nodes import Asked, Nodes, Wording
from app.engine.run import Run
from app.engine.steps.plan import Planning
from retrievers.errors import RetrieverError
from retrievers.types import Query

_REFERENCE = re.compile(r"#(\d+)")
_RETRIEVING = ("retrieve", "sql")


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """Limits, chosen on development questions."""

    seconds: float = 5.0  # for a plan that is followed without a model
    share: float = 0.75  # of what is left of the question's time, whatever asks
    variants: int = 3  # wordings of a node, one for each answer it is bound to
    penalty: float = 0.5  # per score that a guess is below the best
    wave: WaveOptions = field(default_factory=WaveOptions)
    memory: MemoryOptions = field(default_factory=MemoryOptions)


class Executor:
    """Has the retrieving nodes of plans answered, rank by rank, siblings at once."""

    def __init__(
        self, nodes: Nodes, appraiser: Appraiser, options: FollowOptions | None = None
    ) -> None:
        self._nodes, self._appraiser = nodes, appraiser
        self._options = options or FollowOptions()

    async def follow(self, run: Run, query: Query, planning: Planning, plan: Plan) -> Followed:
        """Answer every node; never fails, a node that cannot be answered says why.

        Args:
            query: The whole question's; nodes keep its collection and filter.
            plan: That of `planning`.
        """
        options = self._options
        left = options.share * run.ledger.seconds_left
        until = time.monotonic() + (left if run.thinks else min(left, options.seconds))
        names = self._appraiser.graph.names(query.collection)
        walk = _Walk(plan, query, until, Memory(names, options.memory))
        for rank in plan.ranks():
            nodes = [plan.node(id) for id in rank]
            asked = [node for node in nodes if node.op in _RETRIEVING]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._hop(run, node, walk)) for node in asked]
            walk.hops.update({task.result().node.id: task.result() for task in tasks})
            for node in nodes:
                if node.op not in _RETRIEVING:
                    walk.joined[node.id] = self._joined(run, node, planning, walk)
        return Followed(
            list(walk.hops.values()), list(walk.joined.values()), self._appraiser, options.wave
        )

    def _joined(self, run: Run, node: SubQuestion, planning: Planning, walk: _Walk) -> Joined:
        run.tell(StepStarted(node.id, node.text))
        texts = {id: hop.text for id, hop in walk.hops.items()}
        made = join(node, walk.plan.question, planning, walk.answers(), texts)
        if isinstance(made.result, Undecided):
            run.tell(StepCompleted(node.id, "stopped", None, made.result.reason))
        else:
            run.tell(StepCompleted(node.id, "resolved", made.result.short, "computed"))
        return made

    async def _hop(self, run: Run, node: SubQuestion, walk: _Walk) -> Hop:
        began = time.monotonic()
        wordings = self._bound(node, walk)
        run.tell(StepStarted(node.id, wordings[0][0]))
        hop = await self._answered(run, node, wordings, walk)
        hop = replace(hop, ms=round(1000 * (time.monotonic() - began), 3))
        run.tell(StepCompleted(node.id, hop.status, hop.said, hop.reason))
        return hop

    async def _answered(
        self, run: Run, node: SubQuestion, wordings: Sequence[Wording], walk: _Walk
    ) -> Hop:
        text = wordings[0][0]
        if any(walk.stopped(id) for id in node.needs):
            return Hop(node, text, "stopped", "dependency_failed")
        asked = Asked(
            node,
            tuple(wordings),
            _earlier(node, walk.hops),
            valued=walk.valued(node),
            grounded=all(walk.grounded(id) for id in node.needs),
            until=walk.until,
        )
        if not run.thinks:
            return await self._nodes.ask(run, walk.query, asked)
        # Asking a model costs more than looking whether it was asked before.
        try:
            vector = (await self._appraiser.encoder.queries([text]))[0]
        except RetrieverError:  # the channel that needs the encoder says so
            return await self._nodes.ask(run, walk.query, asked)
        known = walk.memory.recall(text, vector)
        if known is not None:
            return replace(walk.kept[known.text], node=node, text=text, remembered=True)
        lost = len(run.degraded)
        hop = await self._nodes.ask(run, walk.query, asked)
        if hop.status == "resolved" and hop.answer is not None:
            keys = tuple(pick.chunk.key for pick in hop.answer.picks)
            degraded = len(run.degraded) > lost or any(one.lost for one in hop.variants)
            support = hop.answer.support
            record = Record(text, vector, hop.answer.text, keys, support, degraded)
            if walk.memory.keep(record):
                walk.kept[text] = hop
        return hop

    def _bound(self, node: SubQuestion, walk: _Walk) -> list[Wording]:
        """The node's wordings, the likeliest first; in one pass, so no answer is bound into."""
        choices: list[tuple[dict[str, str], float]] = [({}, 0.0)]
        for id in dict.fromkeys(_REFERENCE.findall(node.text)):
            found = walk.said(id)
            options = [(text, found[0][1] - score) for text, score in found] or [("", 0.0)]
            choices = [
                ({**bound, id: text}, penalty + self._options.penalty * less)
                for bound, penalty in choices
                for text, less in options
            ]
            choices = sorted(choices, key=lambda one: one[1])[: self._options.variants]
        return [(_filled(node.text, bound), penalty) for bound, penalty in choices]


def _filled(text: str, bound: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda match: bound[match[1]], text)


@dataclass(slots=True)
class _Walk:
    """State of one plan that is being followed."""

    plan: Plan
    query: Query
    until: float
    memory: Memory
    hops: dict[str, Hop] = field(default_factory=dict)
    joined: dict[str, Joined] = field(default_factory=dict)
    kept: dict[str, Hop] = field(default_factory=dict)  # what the memory holds, by text

    def valued(self, node: SubQuestion) -> bool:
        """Whether an operator, or the question itself, needs the node's value."""
        needing = [one for one in self.plan.nodes if node.id in one.needs]
        return not needing or any(one.op not in _RETRIEVING for one in needing)

    def answers(self) -> dict[str, Sub]:
        """What nodes answered, by id."""
        hops = {id: hop.answer for id, hop in self.hops.items()}
        joined = {id: one.answer for id, one in self.joined.items()}
        return {id: sub for id, sub in (hops | joined).items() if sub is not None}

    def grounded(self, id: str) -> bool:
        """Whether what a node is replaced by came from a passage about the right thing."""
        if id not in self.hops:
            return True
        hop = self.hops[id]
        if hop.status == "resolved" or not hop.guesses:
            return True
        sure = about(hop.text, hop.guesses[0].passage)
        return sure and all(self.grounded(need) for need in hop.node.needs)

    def stopped(self, id: str) -> bool:
        """Whether a node that was reached has no answer."""
        if id in self.hops:
            return self.hops[id].status == "stopped"
        return id in self.joined and self.joined[id].answer is None

    def said(self, id: str) -> list[tuple[str, float]]:
        """What a node may be replaced by in the texts of others, best first, with its score."""
        if id in self.hops:
            guesses = [(guess.text, guess.score) for guess in self.hops[id].guesses]
            if guesses:
                return guesses
        sub = self.answers().get(id)
        return [(sub.text, 0.0)] if sub else []


def _earlier(node: SubQuestion, hops: Mapping[str, Hop]) -> tuple[tuple[str, str], ...]:
    """The answered ancestors of a node, the farthest first."""
    found: dict[str, tuple[str, str]] = {}

    def visit(one: SubQuestion) -> None:
        for id in one.needs:
            hop = hops.get(id)
            if hop is None or id in found:
                continue
            visit(hop.node)
            if hop.said:
                found[id] = (hop.text, hop.said)

    visit(node)
    return tuple(found.values())
