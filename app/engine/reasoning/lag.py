"""LAG-style reasoning: decide whether to split a question, plan, follow the plan, join its ends.

After the abstracts of LAG (arXiv 2508.05509) and RFM-RAG (arXiv 2508.17862); their method sections
could not be read. What fills the gaps is our own: one plan that is not refined further, every
threshold an option, no fidelity claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.plan import Plan
from app.engine.hardness import Hardness, hardness
from app.engine.operators.operate import Verdict
from app.engine.plan.tokens import read
from app.engine.reasoning.follow import Executor
from app.engine.reasoning.followed import Followed
from app.engine.reasoning.found import Hop
from app.engine.reasoning.join import Joined
from app.engine.reasoning.loop import Loop, Looped
from app.engine.request import Reasoning
from app.engine.run import Run
from app.engine.steps.plan import Planning, propose
from retrievers.protocol import PassageGraph
from retrievers.types import Query


@dataclass(frozen=True, slots=True)
class LagOptions:
    """When a question is split."""

    hard: float = 0.2
    """Probability of being hard from which `auto` looks for a plan."""


@dataclass(frozen=True, slots=True)
class Thought:
    """What was reasoned before the answer is written."""

    gate: Mapping[str, Any]
    planning: Planning | None = None
    followed: Followed | None = None
    looped: Looped | None = None  # what a model read for a question that was not split

    @property
    def plan(self) -> Plan | None:
        """The plan, if the question was split."""
        return self.planning.plan if self.planning else None

    @property
    def hops(self) -> Mapping[str, Hop]:
        """Nodes that retrieve, by id."""
        return {hop.node.id: hop for hop in self.followed.hops} if self.followed else {}

    @property
    def joined(self) -> Sequence[Joined]:
        """What operators made, in the order of the plan."""
        return self.followed.joined if self.followed else ()

    @property
    def verdict(self) -> Joined | None:
        """The answer of the whole question, if the plan ends in an operator that could decide."""
        last = self.joined[-1] if self.joined else None
        ends = self.plan is not None and last is not None and last.node == self.plan.final
        return last if ends and last and isinstance(last.result, Verdict) else None


class Lag:
    """Plans a question and has the plan followed.

    Args:
        graph: Knows the names of a collection, which a plan must not cut apart.
        loop: Also reads for questions that are not split.
    """

    def __init__(
        self,
        executor: Executor,
        graph: PassageGraph,
        loop: Loop,
        options: LagOptions | None = None,
    ) -> None:
        self._executor, self._graph, self.loop = executor, graph, loop
        self._options = options or LagOptions()

    async def plan(self, run: Run, query: Query, reasoning: Reasoning) -> Thought:
        """Decide, and plan if so; nothing is retrieved yet."""
        if reasoning == "direct":
            return Thought({"decision": "direct", "reason": "asked for"})
        seen = hardness(query.text)
        signals = _signals(seen)
        if reasoning == "auto" and seen.probability < self._options.hard:
            return Thought({**signals, "decision": "direct", "reason": "not hard"})
        names = self._graph.names(query.collection)
        linked = [token.text for token in read(query.text, names) if token.joined]
        planning = await propose(run, query.text, names, linked, run.ledger.budget.nodes)
        if planning.plan is None:
            gate = {**signals, "decision": "direct", "reason": "no complete plan"}
            return Thought(gate, planning)
        return Thought({**signals, "decision": "lag", "reason": planning.kind}, planning)

    async def follow(self, run: Run, query: Query, thought: Thought) -> Thought:
        """Put the plan to the channels and join its ends."""
        planning = thought.planning
        if planning is None or planning.plan is None:
            return thought
        followed = await self._executor.follow(run, query, planning, planning.plan)
        return replace(thought, followed=followed)


def _signals(seen: Hardness) -> dict[str, Any]:
    return {"hard": round(seen.probability, 6), "features": dict(seen.features)}
