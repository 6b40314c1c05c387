"""Which layers are candidates, and what looking at them takes; numbers only, no tensors."""

from __future__ import annotations

_TENSORS = 4  # as large as the candidates' logits that live at once while they are compared
_BYTES = 4  # of a float32


def candidates(layers: int, first: int | None = None, last: int | None = None) -> tuple[int, ...]:
    """The intermediate layers among `layers`, which are counted from 1.

    By default those of the latter half, without the last layer.

    Raises:
        ValueError: No such range.
    """
    first = layers // 2 + 1 if first is None else first
    last = layers - 1 if last is None else last
    if not 1 <= first <= last < layers:
        raise ValueError(
            f"no layer from {first} to {last} is an intermediate one of {layers}: "
            f"1 ≤ first ≤ last ≤ {layers - 1}"
        )
    return tuple(range(first, last + 1))


def nearest(layer: int, among: tuple[int, ...]) -> int:
    """Place in `among` of the member nearest to a layer; of two, the lower one's."""
    return min(range(len(among)), key=lambda place: abs(among[place] - layer))


def scratch_rows(candidates: int, vocabulary: int, budget: int) -> int:
    """Rows whose candidates may be compared at once, so that `budget` bytes are enough."""
    each = _TENSORS * _BYTES * 2 * candidates * vocabulary
    return max(1, budget // each)


def packed_bytes(tokens: int, candidates: int, hidden: int, element: int) -> int:
    """Bytes of the states that are kept of `tokens` tokens beside the last layer's."""
    return tokens * 2 * candidates * hidden * element
