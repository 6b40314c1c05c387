"""A passage index as plain arrays in a folder: no pickle, nothing that runs when it is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievers.graph.index import NOTHING, PassageIndex
from retrievers.graph.ragged import Ragged
from retrievers.graph.words import Stemmer

FORMAT = 1
_COLUMNS = ("chunks", "documents", "titles", "aliases", "leading", "stamps")
_RAGGED = ("text", "spans", "mentions")
_STRINGS = ("words", "terms", "keys", "chunk_keys")


def save(index: PassageIndex, folder: Path) -> None:
    """Write the live passages and the strings they use; nothing of removed ones is left."""
    rows = np.array(index.order, np.int64)
    arrays: dict[str, npt.NDArray[Any]] = {
        name: getattr(index, name).values[rows] for name in _COLUMNS
    }
    for name in _RAGGED:
        values, lengths = getattr(index, name).gather(rows)
        arrays[name], arrays[f"{name}_lengths"] = values, lengths.astype(np.int32)
    strings: dict[str, Sequence[str]] = {
        "chunk_keys": [index.chunk_keys[row] for row in index.order]
    }

    used, number = _used(len(index.words), arrays["text"] >> 1)
    arrays["text"] = 2 * number[arrays["text"] >> 1] + (arrays["text"] & 1)
    strings["words"] = [index.words.strings[word] for word in used]

    term_of = index.term_of.values[used]
    used, number = _used(len(index.terms), term_of)
    arrays["term_of"] = _renumbered(number, term_of)
    strings["terms"] = [index.terms.strings[term] for term in used]

    named = (arrays["titles"], arrays["aliases"], arrays["spans"], arrays["mentions"][:, 0])
    used, number = _used(len(index.keys), np.concatenate(named))
    for name in ("titles", "aliases", "spans"):
        arrays[name] = _renumbered(number, arrays[name])
    arrays["mentions"][:, 0] = number[arrays["mentions"][:, 0]]
    strings["keys"] = [index.keys.strings[key] for key in used]

    for name, values in strings.items():
        # Neither words nor keys can hold a line end.
        text = "".join(f"{value}\n" for value in values)
        arrays[name] = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def load(folder: Path, stemmer: Stemmer) -> PassageIndex:
    """Read what `save` wrote.

    Raises:
        OSError, ValueError, KeyError: The files are not what `save` writes.
    """
    arrays = {
        name: np.load(folder / f"{name}.npy", allow_pickle=False)
        for name in (
            *_COLUMNS,
            *_RAGGED,
            *(f"{name}_lengths" for name in _RAGGED),
            *_STRINGS,
            "term_of",
        )
    }
    count = len(arrays["chunks"])
    index = PassageIndex(stemmer)
    for name in ("words", "terms", "keys"):
        getattr(index, name).extend(_lines(arrays[name]))
    index.chunk_keys += _lines(arrays["chunk_keys"])
    if len(index.chunk_keys) != count or any(len(arrays[name]) != count for name in _COLUMNS):
        raise ValueError("the graph's files disagree on the number of passages")
    for name in _COLUMNS:
        getattr(index, name).extend(arrays[name])
    for name in _RAGGED:
        ragged: Ragged = getattr(index, name)
        ragged.append(arrays[f"{name}_lengths"], arrays[name])
    index.term_of.extend(arrays["term_of"])
    index.alive.extend(np.ones(count, np.bool_))
    index.order += range(count)
    index.derive()
    return index


def _used(count: int, numbers: npt.NDArray[Any]) -> tuple[list[int], npt.NDArray[np.int32]]:
    """The numbers that occur, ascending, and old number to new."""
    occurs = np.zeros(count, np.bool_)
    occurs[numbers[numbers != NOTHING]] = True
    return np.flatnonzero(occurs).tolist(), (np.cumsum(occurs) - 1).astype(np.int32)


def _renumbered(number: npt.NDArray[np.int32], old: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    if not len(number):
        return old.astype(np.int32)
    return np.where(old == NOTHING, NOTHING, number[old]).astype(np.int32)


def _lines(array: npt.NDArray[Any]) -> list[str]:
    return array.tobytes().decode("utf-8", "surrogatepass").split("\n")[:-1]
