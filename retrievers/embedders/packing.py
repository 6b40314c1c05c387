"""Which texts share one run of an encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """Limits of one batch: padding is work too, so tokens count after padding."""

    rows: int
    padded_tokens: int


def pack(lengths: Sequence[int], shape: Shape) -> Iterator[list[int]]:
    """Indices of the texts of each batch, shortest texts first; every index exactly once.

    A text longer than `padded_tokens` gets a batch of its own.

    Args:
        lengths: Tokens of each text, special tokens included.
        shape: Limits of one batch.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        # Sorted ascending, so the newcomer is the longest and decides the padding of all.
        full = len(batch) == shape.rows or (len(batch) + 1) * lengths[index] > shape.padded_tokens
        if batch and full:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
