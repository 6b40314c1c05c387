"""Follows a plan over the live channels: every node asked, its guesses bound into the next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.domain.hit import Degraded
from app.domain.plan import Plan, SubQuestion, references
from app.engine import bridge
from app.engine.appraise import Appraiser
from app.engine.fanout import Channel, fan_out
from app.engine.hops.guess import Fit, Guess, GuessOptions, guesses
from app.engine.seeds import restart
from app.engine.wave import Wave, WaveOptions, fits
from retrievers.protocol import Chunks, Matrix
from retrievers.types import Chunk, ChunkId, Evidence, Query


@dataclass(frozen=True, slots=True)
class HopOptions:
    """Depths and limits, chosen on development questions."""

    depth: int = 20  # evidence asked of each flat channel
    walk: int = 50  # and of the walk, for a node's candidates
    flat: int = 15
    variants: int = 3  # wordings of a node, one for each guess it is bound to
    penalty: float = 0.5  # per score that a guess is below the best
    pool: int = 10  # passages of each variant that join the joint pool
    guess: GuessOptions = field(default_factory=GuessOptions)
    wave: WaveOptions = field(default_factory=WaveOptions)


@dataclass(frozen=True, slots=True)
class Variant:
    """One wording of a node and what it found."""

    query: Query  # with the seeds of its walk
    penalty: float
    nearest: float | None  # highest cosine of any passage
    passages: tuple[Evidence, ...]  # best first by anchor score
    scores: tuple[float, ...]
    lost: tuple[Degraded, ...]


@dataclass(frozen=True, slots=True)
class Hop:
    """One retrieving node, asked."""

    node: SubQuestion
    variants: tuple[Variant, ...]
    guesses: tuple[Guess, ...]


class Followed:
    """What a plan found; the joint selection asks it what it wants of the pool."""

    def __init__(self, hops: Sequence[Hop], appraiser: Appraiser, options: HopOptions) -> None:
        self.hops = tuple(hops)
        self._appraiser, self._options = appraiser, options

    @property
    def evidence(self) -> list[Evidence]:
        """The best passages of every variant."""
        return [
            item
            for hop in self.hops
            for variant in hop.variants
            for item in variant.passages[: self._options.pool]
        ]

    @property
    def degraded(self) -> list[Degraded]:
        """Channels that failed some node, each reason once."""
        lost = (one for hop in self.hops for variant in hop.variants for one in variant.lost)
        return list(dict.fromkeys(lost))

    async def wave(self, ids: Sequence[ChunkId], vectors: Matrix | None) -> Wave:
        """What the nodes want of these passages."""
        scored = []
        for hop in self.hops:
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
        return Wave(fits(scored), self._options.wave.weight, self._options.wave)


class Hops:
    """Puts the retrieving nodes of plans to the channels."""

    def __init__(
        self,
        flat: Sequence[Channel],
        walk: Channel,
        appraiser: Appraiser,
        chunks: Chunks,
        options: HopOptions | None = None,
    ) -> None:
        self._flat, self._walk = flat, walk
        self._appraiser, self._chunks = appraiser, chunks
        self._options = options or HopOptions()

    async def follow(self, query: Query, plan: Plan, within_s: float) -> Followed:
        """Ask every node, those of a rank at once.

        Args:
            query: The whole question's; nodes keep its collection and filter.

        Raises:
            TimeoutError: Not done within `within_s`.
            RetrieverError: The graph or the vector table failed.
        """
        until = time.monotonic() + within_s
        hops: dict[str, Hop] = {}
        async with asyncio.timeout(within_s):
            for rank in plan.ranks():
                nodes = [plan.node(id) for id in rank if plan.node(id).op == "retrieve"]
                asked = [self._hop(query, node, hops, until) for node in nodes]
                for hop in await asyncio.gather(*asked):
                    hops[hop.node.id] = hop
        return Followed(list(hops.values()), self._appraiser, self._options)

    async def _hop(
        self, query: Query, node: SubQuestion, hops: Mapping[str, Hop], until: float
    ) -> Hop:
        variants = await asyncio.gather(
            *(
                self._variant(replace(query, text=text), penalty, until)
                for text, penalty in self._bound(node, hops)
            )
        )
        dated = node.expects in ("date", "number")
        found = await self._guesses(query, variants, dated)
        return Hop(node, tuple(variants), tuple(found))

    def _bound(self, node: SubQuestion, hops: Mapping[str, Hop]) -> list[tuple[str, float]]:
        """The node's wordings, the likeliest first, with what each is worth less."""
        wordings = [(node.text, 0.0)]
        for id in references(node.text):
            found = hops[id].guesses if id in hops else ()
            if not found:
                wordings = [(text.replace(f"#{id}", ""), penalty) for text, penalty in wordings]
                continue
            wordings = [
                (
                    text.replace(f"#{id}", guess.text),
                    penalty + self._options.penalty * (found[0].score - guess.score),
                )
                for text, penalty in wordings
                for guess in found
            ]
            wordings = sorted(wordings, key=lambda one: one[1])[: self._options.variants]
        return wordings

    async def _variant(self, query: Query, penalty: float, until: float) -> Variant:
        options = self._options
        outcomes = await fan_out(self._flat, query, options.depth, until - time.monotonic())
        found = {outcome.channel: outcome.evidence for outcome in outcomes}
        seeded = replace(query, seeds=restart(found.get("vector", ()), found.get("fulltext", ())))
        walked = await self._walk.ask(seeded, options.walk, until - time.monotonic())
        heads = [walked.evidence, *(list[: options.flat] for list in found.values())]
        pool = {item.key: item for head in heads for item in head if isinstance(item.origin, Chunk)}
        nearest = found["vector"][0].score if found.get("vector") else None
        keys = sorted(pool)
        lost = tuple(
            Degraded(outcome.channel, f"for a sub-question: {outcome.detail or outcome.status}")
            for outcome in (*outcomes, walked)
            if outcome.status != "ok"
        )
        if not keys:
            return Variant(seeded, penalty, nearest, (), (), lost)
        ids = [chunk.id for chunk in _chunks([pool[key] for key in keys])]
        seen = await self._appraiser.look(seeded, ids, nearest)
        scores = np.round(bridge.anchor(seen.candidates), 6)
        order = np.argsort(-scores, kind="stable").tolist()
        return Variant(
            seeded,
            penalty,
            nearest,
            tuple(pool[keys[row]] for row in order),
            tuple(float(scores[row]) for row in order),
            lost,
        )

    async def _guesses(self, query: Query, variants: Sequence[Variant], dated: bool) -> list[Guess]:
        """The best entities over all wordings, each worth what its wording is worth less."""
        best: dict[str, Guess] = {}
        for variant in variants:
            chunks = _chunks(variant.passages[: self._options.guess.passages])
            named = await self._appraiser.graph.named(query.collection, [c.id for c in chunks])
            homes = {e.home for entities in named for e in entities if e.home is not None}
            known = await self._chunks.get(query.collection, sorted(homes))
            passages = [Fit(*each) for each in zip(chunks, variant.scores, named, strict=False)]
            for guess in guesses(variant.query.text, passages, known, dated, self._options.guess):
                worth = replace(guess, score=guess.score - variant.penalty)
                if guess.key not in best or best[guess.key].score < worth.score:
                    best[guess.key] = worth
        ordered = sorted(best.values(), key=lambda guess: (-guess.score, guess.key))
        return ordered[: self._options.guess.most]


def _chunks(items: Sequence[Evidence]) -> list[Chunk]:
    return [item.origin for item in items if isinstance(item.origin, Chunk)]
