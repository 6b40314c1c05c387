"""What a followed plan gives to the joint selection: passages, and what each node wants of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from app.domain.hit import Degraded, Hit, Standing
from app.engine.ranking import bridge
from app.engine.ranking.appraise import Appraiser
from app.engine.ranking.wave import Wave, WaveOptions, fits
from app.engine.reasoning.found import Hop
from app.engine.reasoning.join import Joined
from retrievers.protocol import Matrix
from retrievers.types import ChunkId, Evidence

POOLED = 10
"""Passages of each wording that join the pool."""


class Followed:
    """Satisfies `multihop.Planned`."""

    def __init__(
        self,
        hops: Sequence[Hop],
        joined: Sequence[Joined],
        appraiser: Appraiser,
        options: WaveOptions | None = None,
    ) -> None:
        self.hops, self.joined = tuple(hops), tuple(joined)
        self._appraiser, self._options = appraiser, options or WaveOptions()

    @property
    def evidence(self) -> list[Evidence]:
        """The best passages of every wording."""
        return [
            item
            for hop in self.hops
            for variant in hop.variants
            for item in variant.passages[:POOLED]
        ]

    @property
    def standings(self) -> Mapping[str, Mapping[str, Standing]]:
        """Where the channels put those passages for the first wording that found them."""
        found: dict[str, Mapping[str, Standing]] = {}
        for hop in self.hops:
            for variant in hop.variants:
                for item in variant.passages[:POOLED]:
                    found.setdefault(item.key, variant.standings.get(item.key, {}))
        return found

    @property
    def used(self) -> list[Hit]:
        """What trusted answers and verdicts rest on, in the order of the plan, each once."""
        operands = [sub for one in self.joined for sub in one.operands]
        found: dict[str, Hit] = {}
        for hop in self.hops:
            if hop.answer is None or not (hop.answer.trusted or hop.answer in operands):
                continue
            picked = {pick.chunk.key for pick in hop.answer.picks}
            for variant in hop.variants:
                for item in variant.rows:
                    if item.origin in hop.answer.tables:
                        standing = {item.channel: Standing(1, item.score)}
                        found.setdefault(item.key, Hit(item, item.score, standing))
                for item, score in zip(variant.passages, variant.scores, strict=True):
                    if item.key in picked:
                        standing = dict(variant.standings.get(item.key, {}))
                        found.setdefault(item.key, Hit(item, score, standing))
        return list(found.values())

    @property
    def degraded(self) -> list[Degraded]:
        """Channels that failed some node, each reason once."""
        lost = (one for hop in self.hops for variant in hop.variants for one in variant.lost)
        return list(dict.fromkeys(lost))

    async def wave(self, ids: Sequence[ChunkId], vectors: Matrix | None) -> Wave | None:
        """What the nodes want of these passages; None if no node was asked."""
        asked = [hop for hop in self.hops if hop.variants]
        if not asked:
            return None
        scored = []
        for hop in asked:
            looks = [
                self._appraiser.look(variant.query, ids, variant.nearest, vectors)
                for variant in hop.variants
            ]
            seen = await asyncio.gather(*looks)
            scored.append(
                [
                    (bridge.anchor(one.candidates), variant.penalty)
                    for one, variant in zip(seen, hop.variants, strict=True)
                ]
            )
        # Guessed answers point to the right passage less often than answers that were read.
        bound = {id for hop in asked for id in hop.node.needs}
        sure = all(hop.status == "resolved" for hop in self.hops if hop.node.id in bound)
        weight = self._options.trusted if sure else self._options.weight
        return Wave(fits(scored), weight, self._options)
