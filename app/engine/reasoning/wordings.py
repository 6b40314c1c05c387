"""Puts one wording of a node to the channels, and ranks its passages by the anchor score."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.domain.events import ChannelSeen
from app.domain.hit import Degraded
from app.engine.ranking import bridge
from app.engine.ranking.appraise import Appraiser
from app.engine.ranking.fanout import Channel, Outcome, fan_out
from app.engine.ranking.fusion import standings
from app.engine.ranking.seeds import restart
from app.engine.reasoning.found import Variant
from retrievers.filters import EVERYTHING
from retrievers.types import Chunk, Evidence, Query


@dataclass(frozen=True, slots=True)
class WordingOptions:
    """Depths, chosen on development questions."""

    depth: int = 20  # evidence asked of each flat channel
    walk: int = 50  # and of the walk, for a node's candidates
    flat: int = 15
    traced: int = 10  # hits of each channel that the trace names


class Wordings:
    """Asks for the passages of one node.

    A node is one hop, so its passages are ranked by how well each fits by itself: bridge
    continuation is the wrong tool for it.

    Args:
        tables: The SQL channel, if there is one.
    """

    def __init__(
        self,
        flat: Sequence[Channel],
        walk: Channel,
        tables: Channel | None,
        appraiser: Appraiser,
        options: WordingOptions | None = None,
    ) -> None:
        self._flat, self._walk, self._tables = flat, walk, tables
        self._appraiser = appraiser
        self._options = options or WordingOptions()

    async def ask(self, query: Query, penalty: float, until: float) -> Variant:
        """What the channels find.

        Args:
            until: Monotonic time at which the channels must have answered.

        Raises:
            RetrieverError: The graph or the vector table failed.
        """
        options = self._options
        asked = list(self._flat)
        if self._tables is not None and query.filter == EVERYTHING:
            asked.append(self._tables)
        outcomes = await fan_out(asked, query, options.depth, _left(until))
        found = {o.channel: o.evidence for o in outcomes if o.channel != "sql"}
        seeded = replace(query, seeds=restart(found.get("vector", ()), found.get("fulltext", ())))
        walked = await self._walk.ask(seeded, options.walk, _left(until))
        lists: dict[str, Sequence[Evidence]] = {**found, self._walk.name: walked.evidence}
        pool = self._pool(found, walked)
        nearest = found["vector"][0].score if found.get("vector") else None
        everything = [*outcomes, walked]
        keys = sorted(pool)
        scores, covered, residual = np.zeros(0), 0.0, ""
        if keys:
            ids = [item.origin.id for item in pool.values() if isinstance(item.origin, Chunk)]
            seen = await self._appraiser.look(seeded, ids, nearest)
            scores = np.round(bridge.anchor(seen.candidates), 6)
            profile, first = seen.candidates.profile, int(np.argmax(scores))
            covered = round(bridge.covered(profile, first), 6)
            residual = bridge.residual_text(profile, first)
        order = np.argsort(-scores, kind="stable").tolist()
        return Variant(
            query=seeded,
            penalty=penalty,
            nearest=nearest,
            passages=tuple(pool[keys[row]] for row in order),
            scores=tuple(float(scores[row]) for row in order),
            standings=standings(lists, set(keys)),
            channels=tuple(_seen(outcome, options.traced) for outcome in everything),
            covered=covered,
            residual=residual,
            rows=tuple(item for o in outcomes if o.channel == "sql" for item in o.evidence),
            lost=tuple(_lost(outcome) for outcome in everything if outcome.status != "ok"),
        )

    def _pool(
        self, found: Mapping[str, Sequence[Evidence]], walked: Outcome
    ) -> dict[str, Evidence]:
        """Key to passage, in ascending order of key, as `bridge.Candidates` wants its rows."""
        heads = [walked.evidence, *(items[: self._options.flat] for items in found.values())]
        pool = {item.key: item for head in heads for item in head if isinstance(item.origin, Chunk)}
        return {key: pool[key] for key in sorted(pool)}


def _left(until: float) -> float:
    return max(0.0, until - time.monotonic())


def _seen(outcome: Outcome, traced: int) -> ChannelSeen:
    ms = round(1000 * outcome.took_s, 3)
    hits = tuple((item.key, item.score) for item in outcome.evidence[:traced])
    found = len(outcome.evidence)
    return ChannelSeen(outcome.channel, outcome.status, found, ms, outcome.detail, hits)


def _lost(outcome: Outcome) -> Degraded:
    reason = f"for a sub-question: {outcome.detail or outcome.status}"
    return Degraded(outcome.channel, reason)
