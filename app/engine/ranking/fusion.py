"""Reciprocal rank fusion: the ranking of single-hop questions, and of lists that share no scale."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from app.domain.hit import Hit, Standing
from retrievers.types import Evidence

RRF_K = 60.0


def reciprocal_rank_fusion(
    channels: Mapping[str, Sequence[Evidence]],
    weights: Mapping[str, float] | None = None,
    k: float = RRF_K,
    limit: int | None = None,
) -> list[Hit]:
    """Fuse ranked lists by summed reciprocal ranks.

    score(e) = sum over channels c of  w_c / (k + rank_c(e)),  ranks from 1.
    Only ranks are read, so channels may score on unrelated scales.

    Args:
        channels: Channel name to its evidence, best first, keys unique within a channel.
        weights: Channel name to non-negative weight; a missing channel weighs 1.
        k: Above 0; larger flattens the advantage of top ranks.
        limit: Hits wanted; None for all.

    Returns:
        One hit per distinct key, best first, ties by key; independent of the channels' order.

    Source: Cormack, Clarke & Büttcher, SIGIR 2009, section 2.
    """
    order = fuse_ranks(
        [[item.key for item in found] for found in channels.values()],
        [(weights or {}).get(name, 1.0) for name in channels],
        k,
    )[:limit]
    wanted = {key for key, _ in order}
    standing = standings(channels, wanted)
    evidence = {
        item.key: item for name in sorted(channels) for item in channels[name] if item.key in wanted
    }
    return [Hit(evidence[key], score, standing[key]) for key, score in order]


def fuse_ranks(
    lists: Sequence[Sequence[str]], weights: Sequence[float] | None = None, k: float = RRF_K
) -> list[tuple[str, float]]:
    """The same over bare keys: distinct keys with their scores, best first, ties by key."""
    shares: defaultdict[str, list[float]] = defaultdict(list)
    for keys, weight in zip(lists, weights or [1.0] * len(lists), strict=True):
        for rank, key in enumerate(keys, 1):
            shares[key].append(weight / (k + rank))
    # fsum, not sum: float addition depends on order, and the last bit decides ties.
    ordered = sorted((-math.fsum(parts), key) for key, parts in shares.items())
    return [(key, -score) for score, key in ordered]


def standings(
    channels: Mapping[str, Sequence[Evidence]], among: Collection[str]
) -> dict[str, dict[str, Standing]]:
    """Key, of those named, to channel to the rank and score it had there."""
    found: dict[str, dict[str, Standing]] = {}
    for name, items in channels.items():
        for rank, item in enumerate(items, 1):
            if item.key in among:
                found.setdefault(item.key, {})[name] = Standing(rank, item.score)
    return found
