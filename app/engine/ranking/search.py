"""One query, ranked: flat channels first, then the walk they seed, then bridge selection.

single    reciprocal rank fusion of vector and full text
multihop  their scores restart a walk over the passage graph; bridge selection orders its candidates
auto      as multihop, but the ranking gate may hand (part of) the order back to the flat fusion

Rows of SQL sources have no comparable score; they are slotted into the order by link confidence.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from app.domain.errors import NoEvidence
from app.domain.hit import Degraded, Found, Hit
from app.engine.ranking.fanout import Channel, Outcome, fan_out
from app.engine.ranking.fusion import reciprocal_rank_fusion, standings
from app.engine.ranking.multihop import Multihop, Planned, Ranking
from app.engine.ranking.seeds import restart
from retrievers.filters import EVERYTHING, Filter
from retrievers.types import CollectionId, Evidence, Query, Rows

Strategy = Literal["auto", "single", "multihop"]


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Depths and deadlines of one search."""

    depth: int = 100  # evidence asked of each text channel, at least five times `top_k`
    deadline_s: float = 2.0
    first_wave: float = 0.6  # share of the deadline that the flat channels may use
    sql_first: float = 0.75  # link confidence from which rows come first
    sql_after: int = 3  # hits before less certain rows
    traced: int = 20  # hits of each channel that the trace names


class Search:
    """Answers queries from its channels; a lost channel costs its part and is named.

    Args:
        channels: Named vector, fulltext, graph, sql or anything else; others than these four are
            fused like flat channels.
        multihop: Orders the walk's candidates; None leaves `single` only.
        notices: What is degraded all the time (a stand-in encoder, say); part of every answer.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        multihop: Multihop | None,
        options: SearchOptions | None = None,
        notices: Sequence[Degraded] = (),
    ) -> None:
        self._channels = {channel.name: channel for channel in channels}
        self._multihop = multihop
        self._options = options or SearchOptions()
        self._notices = tuple(notices)

    async def search(
        self,
        collection: CollectionId,
        text: str,
        top_k: int = 10,
        retrievers: Collection[str] | None = None,
        strategy: Strategy = "auto",
        filter: Filter = EVERYTHING,
        planned: Planned | None = None,
    ) -> Found:
        """The best `top_k` hits.

        Args:
            retrievers: Channels to use; None for all.
            planned: What a plan's nodes found; all meet in one selection.

        Raises:
            NoEvidence: No channel that was asked could answer.
        """
        query = Query(collection, text, filter)
        notices = list(self._notices)
        asked = [n for n in self._channels if retrievers is None or n in retrievers]
        if filter != EVERYTHING and "sql" in asked:
            asked.remove("sql")
            notices.append(Degraded("sql", "filters do not apply to SQL sources"))
        async with asyncio.TaskGroup() as group:
            rows = group.create_task(self._rows(query, asked))
            ranking, outcomes = await self._passages(query, asked, strategy, top_k, planned)
        outcomes += rows.result()
        if not any(outcome.status == "ok" for outcome in outcomes):
            said = ", ".join(f"{o.channel}: {o.detail or o.status}" for o in outcomes)
            raise NoEvidence(f"no retriever could answer ({said})")
        lost = [Degraded(o.channel, o.detail or o.status) for o in outcomes if o.status != "ok"]
        named = retrievers is not None and "sql" in retrievers
        hits = self._slotted(ranking.hits, rows.result(), keep_empty=named)[:top_k]
        return Found(
            tuple(hits),
            ranking.strategy,
            (*notices, *lost, *ranking.degraded),
            self._trace(query, ranking, outcomes),
            ranking.signals,
        )

    async def _rows(self, query: Query, asked: Sequence[str]) -> list[Outcome]:
        if "sql" not in asked:
            return []
        return [await self._channels["sql"].ask(query, 3, self._options.deadline_s)]

    async def _passages(
        self,
        query: Query,
        asked: Sequence[str],
        strategy: Strategy,
        top_k: int,
        planned: Planned | None,
    ) -> tuple[Ranking, list[Outcome]]:
        began = time.monotonic()
        depth = max(self._options.depth, 5 * top_k)
        limit = self._options.deadline_s
        flat = [self._channels[name] for name in asked if name not in ("graph", "sql")]
        outcomes = await fan_out(flat, query, depth, limit * self._options.first_wave)
        walks = "graph" in asked and (strategy != "single" or not flat)
        if not walks or self._multihop is None:
            return _fused(outcomes, top_k), outcomes
        found = {outcome.channel: outcome.evidence for outcome in outcomes}
        seeds = restart(found.get("vector", ()), found.get("fulltext", ()))
        seeded = replace(query, seeds=seeds)
        left = limit - (time.monotonic() - began)
        walk = await self._channels["graph"].ask(seeded, self._options.depth, left)
        everything = [*outcomes, walk]
        if walk.status != "ok":
            return _fused(outcomes, top_k), everything
        if not flat:
            return _fused([walk], top_k, "multihop"), everything
        left = limit - (time.monotonic() - began)
        ranking = await self._multihop.rank(
            seeded, found, walk.evidence, strategy == "auto", left, top_k, planned
        )
        return ranking, everything

    def _slotted(self, hits: Sequence[Hit], rows: Sequence[Outcome], keep_empty: bool) -> list[Hit]:
        """Certain rows first, the others after a few passages; empty results only if asked for."""
        found = [
            item
            for outcome in rows
            for item in outcome.evidence
            if keep_empty or (isinstance(item.origin, Rows) and item.origin.rows)
        ]
        standing = standings({"sql": found}, {item.key for item in found})
        made = [Hit(item, item.score, standing[item.key]) for item in found]
        first = [hit for hit in made if hit.score >= self._options.sql_first]
        later = [hit for hit in made if hit.score < self._options.sql_first]
        cut = self._options.sql_after
        return [*first, *hits[:cut], *later, *hits[cut:]]

    def _trace(
        self, query: Query, ranking: Ranking, outcomes: Sequence[Outcome]
    ) -> Mapping[str, Any]:
        return {
            "query": query.text,
            "strategy": ranking.strategy,
            **ranking.trace,
            "channels": [
                {
                    "channel": outcome.channel,
                    "status": outcome.status,
                    "took_ms": round(1000 * outcome.took_s, 3),
                    "detail": outcome.detail,
                    "found": len(outcome.evidence),
                    "hits": [[e.key, e.score] for e in outcome.evidence[: self._options.traced]],
                }
                for outcome in outcomes
            ],
        }


def _fused(
    outcomes: Sequence[Outcome],
    limit: int,
    strategy: Literal["single", "multihop"] = "single",
) -> Ranking:
    lists: dict[str, Sequence[Evidence]] = {o.channel: o.evidence for o in outcomes}
    return Ranking(tuple(reciprocal_rank_fusion(lists, limit=limit)), strategy, {})
