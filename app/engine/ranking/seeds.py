"""The restart vector's passage part: sharp weights made of the flat channels' scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrievers.types import Chunk, ChunkId, Evidence


@dataclass(frozen=True, slots=True)
class SeedOptions:
    """Temperatures of the two softmaxes. Sharpness is what matters; flat seeds lose 20 points."""

    depth: int = 20  # passages of each channel
    dense_temperature: float = 0.03  # of cosines
    lexical_temperature: float = 0.05  # of BM25 scores relative to the best
    rank_decay: float = 2.0  # ranks, where scores cannot be compared


def restart(
    vector: Sequence[Evidence],
    fulltext: Sequence[Evidence],
    options: SeedOptions | None = None,
) -> Mapping[ChunkId, float]:
    """Restart weight of passages, summing to 1; empty if no channel found a passage.

    Both channels count alike; a channel that found nothing leaves its half to the other. An engine
    whose lexical scores are not positive (its "distance", say) enters by rank.

    Args:
        vector: Best first, scores are cosines.
        fulltext: Best first, scores grow with relevance.
    """
    options = options or SeedOptions()
    dense = _passages(vector, options.depth)
    lexical = _passages(fulltext, options.depth)
    parts = []
    if dense:
        best = dense[0][1]
        parts.append([math.exp((s - best) / options.dense_temperature) for _, s in dense])
    if lexical and lexical[-1][1] > 0:
        best = lexical[0][1]
        parts.append([math.exp((s / best - 1) / options.lexical_temperature) for _, s in lexical])
    elif lexical:
        parts.append([math.exp(-rank / options.rank_decay) for rank in range(len(lexical))])
    weights: dict[ChunkId, list[float]] = {}
    for passages, values in zip([part for part in (dense, lexical) if part], parts, strict=True):
        total = math.fsum(values) * len(parts)
        for (chunk, _), value in zip(passages, values, strict=True):
            weights.setdefault(chunk, []).append(value / total)
    return {chunk: math.fsum(shares) for chunk, shares in weights.items()}


def _passages(found: Sequence[Evidence], depth: int) -> list[tuple[ChunkId, float]]:
    passages = [(e.origin.id, e.score) for e in found if isinstance(e.origin, Chunk)]
    return passages[:depth]
