"""From raw hits of an index to evidence: live chunks only, in an order that does not wobble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

from retrievers.types import Chunk, ChunkId, Evidence

SPARE = 16
"""Hits fetched beyond `k`: indexes break ties by place and may hold chunks that are gone."""
WIDEST_TIE = 4096
"""Hits fetched at most to settle a tie at the last place."""


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
        hits = {i: float(f"{score:.6g}") for i, score in (await fetch(wanted)).items()}
        chunks = await alive(hits)
        ranked = sorted((-hits[i], chunk.key, i) for i, chunk in chunks.items())[:k]
        if len(hits) < wanted:
            break
        settled = wanted >= WIDEST_TIE or (ranked and -ranked[-1][0] > min(hits.values()))
        if len(ranked) == k and settled:
            break
        wanted = max(2 * wanted, (k + SPARE) * len(hits) // max(len(chunks), 1))
    return [Evidence(key, channel, -score, chunks[i]) for score, key, i in ranked]
