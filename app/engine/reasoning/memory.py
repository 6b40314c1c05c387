"""The memory of one question: sub-questions that were answered are not asked again.

Near vectors are not enough: "the director of A" and "the director of B" are near each other, and so
are "When was A born?" and "Where was A born?". What the texts name, ask for and relate must be the
same, too. A miss costs one search, a wrong hit the answer, so every doubt is a miss.

No I/O: the caller encodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.engine.plan.lexicon import FUNCTION_WORDS, LEAST_WORDS, MOST_WORDS, ROLES, TRAILING
from app.engine.plan.tokens import LONGEST_NAME
from app.engine.reading.question import Kind, asked
from app.engine.reading.words import content, stem
from retrievers.graph.words import entity_key
from retrievers.graph.words import words as split_words
from retrievers.protocol import Names

Vector = npt.NDArray[np.float32]

_RELATING = ROLES | TRAILING | LEAST_WORDS | MOST_WORDS


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a sub-question says beside its wording."""

    entities: frozenset[str]
    """Keys of names and numbers, and every word that is written like one. Without any: all content
    stems, as names may be among them."""
    asks: Kind
    relations: frozenset[str]
    """Stems of role nouns, verbs and superlatives: "father", "born", "oldest"."""
    stems: frozenset[str]  # of all content words
    order: tuple[str, ...]
    """Names as they follow each other: "is A north of B" is not "is B north of A"."""

    def same(self, other: Meaning) -> bool:
        """Whether both ask the same. One may say more words, but not others in their place."""
        return (
            (self.entities, self.asks, self.relations, self.order)
            == (other.entities, other.asks, other.relations, other.order)
        ) and (self.stems <= other.stems or other.stems <= self.stems)


@dataclass(frozen=True, slots=True)
class Record:
    """An answered sub-question.

    Args:
        vector: Of the text; of any length.
        answer: None where the node stopped.
        keys: Of the passages that the answer rests on.
        support: In [0, 1].
        degraded: Whether something was lost on the way to it.
    """

    text: str
    vector: Vector
    answer: str | None
    keys: tuple[str, ...]
    support: float
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class MemoryOptions:
    """When an answer is used again."""

    cosine: float = 0.92
    support: float = 0.6


class Memory:
    """Mutable, one per question; collection, filter and date are then the same throughout.

    Args:
        names: The names of the collection's index.
    """

    def __init__(self, names: Names, options: MemoryOptions | None = None) -> None:
        self._names, self._options = names, options or MemoryOptions()
        self._records: list[tuple[Meaning, Record]] = []

    def keep(self, record: Record) -> bool:
        """Store it, unless it stopped or something was lost; says whether it was stored."""
        whole = record.answer is not None and bool(record.keys) and not record.degraded
        if whole and record.support >= self._options.support:
            self._records.append((meaning(record.text, self._names), record))
            return True
        return False

    def recall(self, text: str, vector: Vector) -> Record | None:
        """The record that answers this sub-question too: the nearest, of equals the first."""
        wanted = meaning(text, self._names)
        best, nearest = None, self._options.cosine
        for said, record in self._records:
            near = _cosine(vector, record.vector)
            if said.same(wanted) and near >= nearest and (best is None or near > nearest):
                best, nearest = record, near
        return best


def meaning(text: str, names: Names) -> Meaning:
    """Read a sub-question. Any text will do."""
    read, words = asked(text), split_words(text)
    # "Solaris director" names something with its first word, "Who" does not.
    written = [word.lower() for word in words if _like_a_name(word)]
    written = [word for word in written if word not in FUNCTION_WORDS]
    found = {*map(entity_key, read.names), *_known(words, names), *written} - {""}
    stems = content(text)
    return Meaning(
        entities=frozenset(found or stems),
        asks=read.kind,
        relations=frozenset(stem(word.lower()) for word in words if _relating(word.lower())) - {""},
        stems=frozenset(stems),
        order=tuple(dict.fromkeys(written or stems)),
    )


def _known(words: list[str], names: Names) -> Iterator[str]:
    """Names of the index however they are written: users leave capitals out."""
    low = [word.lower() for word in words]
    for start in range(len(low)):
        for end in range(start + 2, min(start + LONGEST_NAME, len(low)) + 1):
            key = " ".join(low[start:end])
            if names.known(key):
                yield key


def _like_a_name(word: str) -> bool:
    return word[0].isupper() or any(sign.isdigit() for sign in word)


def _relating(word: str) -> bool:
    return word in _RELATING or word.removesuffix("s") in _RELATING


def _cosine(one: Vector, other: Vector) -> float:
    """0 where it has no meaning: other lengths, zeros, or what is no number."""
    if one.shape != other.shape:
        return 0.0
    size = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    cosine = float(one @ other) / size if size else 0.0
    return round(cosine, 6) if np.isfinite(cosine) else 0.0
