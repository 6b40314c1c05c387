"""Arrays that grow at their end, flat or as rows of different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


class Column:
    """A one- or two-dimensional array that grows.

    Room doubles when it runs out, so appending costs the same however long the array is.
    """

    def __init__(self, dtype: npt.DTypeLike, width: int | None = None) -> None:
        self._room = np.zeros(64 if width is None else (64, width), dtype)
        self._used = 0

    @property
    def values(self) -> npt.NDArray[Any]:
        """What was appended, as a view."""
        return self._room[: self._used]

    def __len__(self) -> int:
        return self._used

    def extend(self, values: npt.ArrayLike) -> None:
        """Append values."""
        added = np.asarray(values, self._room.dtype)
        if len(added):
            start = self._used
            self.lengthen(start + len(added))
            self._room[start : self._used] = added

    def clear(self) -> None:
        """Start anew; views keep what they show."""
        self._room = self._room[:0].copy()
        self._used = 0

    def lengthen(self, length: int) -> None:
        """Append zeros up to this length, if it is shorter."""
        if length > len(self._room):
            room = np.zeros((2 * length, *self._room.shape[1:]), self._room.dtype)
            room[: self._used] = self._room[: self._used]
            self._room = room
        self._used = max(self._used, length)


class Ragged:
    """Rows of integers of different lengths in one flat array; a row that is set again moves."""

    def __init__(self, dtype: npt.DTypeLike, width: int | None = None) -> None:
        self._flat = Column(dtype, width)
        self._starts = Column(np.int64)
        self._lengths = Column(np.int64)

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def flat(self) -> npt.NDArray[Any]:
        """All values that were ever set, in the order in which they were set."""
        return self._flat.values

    @property
    def starts(self) -> Integers:
        """Where each row begins in `flat`."""
        return self._starts.values

    @property
    def lengths(self) -> Integers:
        """How long each row is."""
        return self._lengths.values

    def append(self, lengths: Sequence[int], flat: npt.ArrayLike) -> None:
        """Add rows at the end: their lengths, and their values one row after the other."""
        ends = len(self._flat) + np.cumsum(np.asarray(lengths, np.int64))
        self._flat.extend(flat)
        self._starts.extend(ends - np.asarray(lengths, np.int64))
        self._lengths.extend(lengths)

    def put(self, rows: Sequence[int], lengths: Sequence[int], flat: npt.ArrayLike) -> None:
        """Set rows again."""
        ends = len(self._flat) + np.cumsum(np.asarray(lengths, np.int64))
        self._flat.extend(flat)
        self._starts.values[rows] = ends - np.asarray(lengths, np.int64)
        self._lengths.values[rows] = lengths

    def pack(self) -> None:
        """Let go of values that no row has any more."""
        flat, lengths = self.gather(np.arange(len(self)))
        self._flat.clear()
        self._flat.extend(flat)
        self._starts.values[:] = np.cumsum(lengths) - lengths

    def row(self, row: int) -> npt.NDArray[Any]:
        """The values of one row."""
        start = self.starts[row]
        return self._flat.values[start : start + self.lengths[row]]

    def gather(self, rows: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Integers]:
        """The values of these rows one after the other, and the rows' lengths."""
        return gather(self.flat, self.starts[rows], self.lengths[rows])


def gather(
    flat: npt.NDArray[Any], starts: Integers, lengths: Integers
) -> tuple[npt.NDArray[Any], Integers]:
    """The slices `flat[start : start + length]` one after the other, and the lengths."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    places = np.repeat(starts - ends + lengths, lengths) + np.arange(total)
    return flat[places], lengths
