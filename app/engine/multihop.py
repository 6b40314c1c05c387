"""Bridge selection over live channels: gathers its arrays, encodes the residual, asks the gate."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from app.domain.hit import Degraded, Hit
from app.engine import bridge, gate
from app.engine.fusion import fuse_ranks, reciprocal_rank_fusion, standings
from retrievers.errors import RetrieverError
from retrievers.protocol import Matrix, PassageGraph, VectorTable
from retrievers.types import Chunk, Evidence, Query


class QueryEncoder(Protocol):
    """The part of an embedder that questions need."""

    async def queries(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors."""
        ...


@dataclass(frozen=True, slots=True)
class Ranking:
    """An order of hits, how it was made, and what was lost on the way."""

    hits: tuple[Hit, ...]
    strategy: Literal["single", "multihop"]
    trace: Mapping[str, Any]
    degraded: tuple[Degraded, ...] = ()


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How many passages of each list may be picked (about 62 distinct ones together)."""

    walk: int = 50
    flat: int = 15


class Multihop:
    """Orders the walk's candidates by what they add to one another."""

    def __init__(
        self,
        graph: PassageGraph,
        vectors: VectorTable | None,
        encoder: QueryEncoder,
        pool: PoolOptions | None = None,
        weights: bridge.Weights | None = None,
        thresholds: gate.GateOptions | None = None,
    ) -> None:
        self._graph, self._vectors, self._encoder = graph, vectors, encoder
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
        """
        evidence = self._candidates(flat, walk)
        if not evidence:
            return Ranking((), "multihop", {})
        try:
            async with asyncio.timeout(within_s):
                return await self._ordered(query, flat, walk, evidence, gated, limit)
        except TimeoutError:
            reason = f"bridge selection: no result within {within_s:.3g} s"
        except RetrieverError as error:
            reason = f"bridge selection: {error}"
        hits = tuple(reciprocal_rank_fusion(flat, limit=limit))
        return Ranking(hits, "single", {}, (Degraded("graph", reason),))

    def _candidates(
        self, flat: Mapping[str, Sequence[Evidence]], walk: Sequence[Evidence]
    ) -> dict[str, Evidence]:
        """Key to evidence, in ascending order of key, as `bridge.Candidates` wants its rows."""
        heads = [walk[: self._pool.walk], *(found[: self._pool.flat] for found in flat.values())]
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
    ) -> Ranking:
        ids = [item.origin.id for item in evidence.values() if isinstance(item.origin, Chunk)]
        profile, vectors = await asyncio.gather(
            self._graph.profile(query, ids), self._vectors_of(query, ids, flat)
        )
        similarity = None
        if vectors is not None:
            asked = (await self._encoder.queries([query.text]))[0]
            best = flat["vector"][0].score
            similarity = (vectors @ asked).astype(np.float64) - best
        candidates = bridge.Candidates(profile.proximity, similarity, profile)
        first = bridge.first_pick(candidates, self._weights)
        open_part = bridge.residual_text(profile, first)
        residual = None
        if vectors is not None:
            encoded = (await self._encoder.queries([open_part or query.text]))[0]
            residual = (vectors @ encoded).astype(np.float64)
        order = bridge.select(candidates, first, residual, self._weights)
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
        standing = standings({**flat, "graph": walk}, set(picked))
        known = {**{e.key: e for found in flat.values() for e in found}, **evidence}
        hits = tuple(Hit(known[key], 1 / rank, standing[key]) for rank, key in enumerate(picked, 1))
        trace = {
            "gate": {
                "branch": decision.branch if gated else "bridge",
                "specificity": round(decision.specificity, 6),
                "covered": round(decision.covered, 6),
            },
            "first": keys[first],
            "residual": open_part,
            "entities": list(profile.linked),
        }
        return Ranking(hits, decision.strategy if gated else "multihop", trace)

    async def _vectors_of(
        self, query: Query, ids: Sequence[Any], flat: Mapping[str, Sequence[Evidence]]
    ) -> Matrix | None:
        # Without the vector channel there is no scale to put the candidates on.
        if self._vectors is None or not flat.get("vector"):
            return None
        return await self._vectors.vectors(query.collection, ids)
