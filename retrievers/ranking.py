"""From raw hits of an index to evidence: live chunks only, in an order that does not wobble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

import numpy as np

from retrievers.types import Chunk, ChunkId, Evidence

SPARE = 16
"""Hits fetched beyond `k`: indexes break ties by place and may hold chunks that are gone."""
WIDEST_TIE = 4096
"""Hits fetched at most to settle a tie at the last place."""
DIGITS = 6
_POWERS = np.array([10.0**n for n in range(308)])


async def rank(
    channel: str,
    k: int,
    fetch: Callable[[int], Awaitable[Mapping[ChunkId, float]]],
    alive: Callable[[Collection[ChunkId]], Awaitable[Mapping[ChunkId, Chunk]]],
) -> list[Evidence]:
    """At most `k` pieces of evidence, best first, ties by key.

    Scores are rounded to 6 significant digits: the last bits differ between kernels and batches.
    When too few hits are alive, or the last place is tied, more are fetched.

    Args:
        fetch: The best n hits and their raw scores; fewer than n only when there are no more.
        alive: The visible chunks among ids, from the truth.
    """
    wanted = k + SPARE
    while True:
        found = await fetch(wanted)
        hits = dict(zip(found, steady(found.values()), strict=True))
        chunks = await alive(hits)
        ranked = sorted((-hits[i], chunk.key, i) for i, chunk in chunks.items())[:k]
        if len(hits) < wanted:
            break
        settled = wanted >= WIDEST_TIE or (ranked and -ranked[-1][0] > min(hits.values()))
        if len(ranked) == k and settled:
            break
        wanted = max(2 * wanted, (k + SPARE) * len(hits) // max(len(chunks), 1))
    return [Evidence(key, channel, -score, chunks[i]) for score, key, i in ranked]


def steady(scores: Iterable[float]) -> list[float]:
    """Rounded to 6 significant digits, each to the float that is written with them.

    Below 1e-16 only nearly so, since larger powers of ten are no floats.
    """
    raw = np.fromiter(scores, np.float64)
    sizes = np.abs(raw)
    sizes[sizes == 0] = 1
    places = DIGITS - 1 - np.floor(np.log10(sizes)).astype(np.int64)
    # Powers of ten with positive exponents are exact, and so is one division by them.
    up, down = _POWERS[places.clip(0, 307)], _POWERS[(-places).clip(0, 307)]
    rounded: list[float] = (np.rint(raw * up / down) / up * down).tolist()
    return rounded
