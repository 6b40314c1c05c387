"""Bridge selection over live channels: gathers its arrays, encodes the residual, asks the gate."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from app.domain.hit import Degraded, Hit, Signals, Standing
from app.engine.ranking import bridge, gate
from app.engine.ranking.appraise import Appraiser
from app.engine.ranking.fusion import fuse_ranks, reciprocal_rank_fusion, standings
from app.engine.ranking.signals import signals
from app.engine.ranking.wave import Wave
from retrievers.errors import RetrieverError
from retrievers.protocol import Matrix
from retrievers.types import Chunk, ChunkId, Evidence, Query


class Planned(Protocol):
    """What the nodes of a plan found, as the joint selection reads it."""

    @property
    def evidence(self) -> Sequence[Evidence]:
        """Passages that join the pool."""
        ...

    @property
    def standings(self) -> Mapping[str, Mapping[str, Standing]]:
        """Where channels put them, by key and channel."""
        ...

    async def wave(self, ids: Sequence[ChunkId], vectors: Matrix | None) -> Wave | None:
        """What the nodes want of these passages; None where they want nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Ranking:
    """An order of hits, how it was made, and what was lost on the way."""

    hits: tuple[Hit, ...]
    strategy: Literal["single", "multihop"]
    trace: Mapping[str, Any]
    degraded: tuple[Degraded, ...] = ()
    signals: Signals | None = None


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How many passages of each list may be picked (about 62 distinct ones together)."""

    walk: int = 50
    flat: int = 15


class Multihop:
    """Orders the walk's candidates by what they add to one another."""

    def __init__(
        self,
        appraiser: Appraiser,
        pool: PoolOptions | None = None,
        weights: bridge.Weights | None = None,
        thresholds: gate.GateOptions | None = None,
    ) -> None:
        self._appraiser = appraiser
        self._pool = pool or PoolOptions()
        self._weights = weights or bridge.Weights()
        self._thresholds = thresholds or gate.GateOptions()

    async def rank(
        self,
        query: Query,
        flat: Mapping[str, Sequence[Evidence]],
        walk: Sequence[Evidence],
        gated: bool,
        within_s: float,
        limit: int,
        planned: Planned | None = None,
    ) -> Ranking:
        """Order the candidates of the walk and of the flat lists.

        Args:
            query: With the seeds that the walk was restarted by.
            flat: The flat channels' lists by name, best first.
            walk: The walk's list, best first.
            gated: Whether the ranking gate may hand the order (partly) back to the flat fusion,
                which also stands where bridge selection cannot run.
            within_s: What is left of the deadline.
            limit: Hits wanted.
            planned: A plan's findings; with them the gate has no say.
        """
        evidence = self._candidates(flat, walk, planned.evidence if planned else ())
        if not evidence:
            return Ranking((), "multihop", {})
        try:
            async with asyncio.timeout(within_s):
                return await self._ordered(
                    query, flat, walk, evidence, gated and planned is None, limit, planned
                )
        except TimeoutError:
            reason = f"bridge selection: no result within {within_s:.3g} s"
        except RetrieverError as error:
            reason = f"bridge selection: {error}"
        hits = tuple(reciprocal_rank_fusion(flat, limit=limit))
        return Ranking(hits, "single", {}, (Degraded("graph", reason),))

    def _candidates(
        self,
        flat: Mapping[str, Sequence[Evidence]],
        walk: Sequence[Evidence],
        more: Sequence[Evidence],
    ) -> dict[str, Evidence]:
        """Key to evidence, in ascending order of key, as `bridge.Candidates` wants its rows."""
        heads = [
            more,
            walk[: self._pool.walk],
            *(found[: self._pool.flat] for found in flat.values()),
        ]
        pool = {item.key: item for head in heads for item in head}
        return {key: pool[key] for key in sorted(pool) if isinstance(pool[key].origin, Chunk)}

    async def _ordered(
        self,
        query: Query,
        flat: Mapping[str, Sequence[Evidence]],
        walk: Sequence[Evidence],
        evidence: Mapping[str, Evidence],
        gated: bool,
        limit: int,
        planned: Planned | None,
    ) -> Ranking:
        ids = [item.origin.id for item in evidence.values() if isinstance(item.origin, Chunk)]
        nearest = flat["vector"][0].score if flat.get("vector") else None
        seen = await self._appraiser.look(query, ids, nearest)
        candidates, profile = seen.candidates, seen.candidates.profile
        wave = await planned.wave(ids, seen.vectors) if planned else None
        first = bridge.first_pick(candidates, self._weights, wave)
        open_part = bridge.residual_text(profile, first)
        residual = None
        if seen.vectors is not None:
            residual = await self._appraiser.likeness(open_part or query.text, seen.vectors)
        order = bridge.select(candidates, first, residual, self._weights, wave)
        keys = list(evidence)
        picked = [keys[row] for row in order]
        decision = gate.decide(
            profile.specificity, bridge.covered(profile, first), self._thresholds
        )
        fused = [key for key, _ in fuse_ranks([[e.key for e in found] for found in flat.values()])]
        if gated:
            picked = gate.arrange(decision.branch, picked, fused, self._thresholds)
        # Passages beyond the pool keep their flat order, for callers who want a long list.
        picked = list(dict.fromkeys([*picked, *fused]))[:limit]
        standing: dict[str, Mapping[str, Standing]] = {}
        if planned:
            # A passage that only a node found stands where that node's channels put it.
            standing.update(planned.standings)
        standing.update(standings({**flat, "graph": walk}, set(picked)))
        known = {**{e.key: e for found in flat.values() for e in found}, **evidence}
        hits = tuple(
            Hit(known[key], 1 / rank, standing.get(key, {})) for rank, key in enumerate(picked, 1)
        )
        told = signals(profile, order, flat.get("fulltext", ()))
        trace = {
            "gate": {
                "branch": decision.branch if gated else "bridge",
                "specificity": round(decision.specificity, 6),
                "covered": round(decision.covered, 6),
            },
            "first": keys[first],
            "residual": open_part,
            "entities": list(profile.linked),
            "signals": asdict(told) if told else None,
        }
        strategy = decision.strategy if gated else "multihop"
        return Ranking(hits, strategy, trace, signals=told)
