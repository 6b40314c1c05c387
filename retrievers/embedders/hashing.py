"""Vectors without weights: signed feature hashing of word stems and letter trigrams.

Texts are near when they share words or word parts; nothing is known of meaning. It stands in where
no model is at hand, and in tests.

Source: Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
import snowballstemmer

from retrievers.embedders.pieces import spans, words
from retrievers.lane import Lane
from retrievers.protocol import Matrix

Features = tuple[tuple[int, float], ...]  # (column, signed weight)

VERSION = 1
_TRIGRAM_SHARE = 0.5  # length of a word's trigram part against its stem's 1
_FUNCTION_WORD_SHARE = 0.1  # they say little, but a text of nothing else must still have a vector
_PIECE = 64  # texts per turn on the lane
_WORD_CACHE = 20_000

_FUNCTION_WORDS = frozenset(
    word
    for line in (
        "a about after all also an and any are as at be been but by can could did do does for",
        "from had has have he her him his how i if in into is it its may more most my no not of on",
        "one or other our she so some such than that the their them then there these they this to",
        "up was we were what when where which who whom whose why will with would you your",
    )
    for word in line.split()
)


class HashingEmbedder:
    """Deterministic lexical vectors; the same on every machine and in every version of Python.

    Args:
        dimension: Columns the features share; collisions cancel on average, fewer in more columns.
    """

    def __init__(self, dimension: int = 384) -> None:
        self.dimension = dimension
        self.max_tokens = 256
        self.fingerprint = f"hashing:{VERSION}:{dimension}"
        self._lane = Lane("hash-passages", 1, nice=10)
        self._stemmer = snowballstemmer.stemmer("english")
        self._features = lru_cache(_WORD_CACHE)(self._hashed)

    async def open(self) -> None:
        """There is nothing to load."""

    async def close(self) -> None:
        """Give the thread back."""
        self._lane.close()

    async def queries(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors; a question costs less than a switch of threads."""
        return self._vectors(texts)

    async def passages(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors."""
        parts = [
            await self._lane.run(self._vectors, texts[start : start + _PIECE])
            for start in range(0, len(texts), _PIECE)
        ]
        return np.concatenate([self._vectors([]), *parts])

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Spans of word pieces."""
        return spans(text)

    def _vectors(self, texts: Sequence[str]) -> Matrix:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            plain = unicodedata.normalize("NFKC", text).casefold()
            counts = Counter(words(plain)) or Counter([""])
            for word, count in counts.items():
                # Repetition counts, but less and less.
                share = 1 + math.log(count)
                for column, weight in self._features(word):
                    vector[column] += share * weight
            norm = np.linalg.norm(vector)
            # All features may cancel in a narrow vector; it must still have a direction.
            vector[:] = vector / norm if norm > 0 else np.eye(1, self.dimension)[0]
        return vectors

    def _hashed(self, word: str) -> Features:
        """The stem and the trigrams of one normalised word."""
        weight = _FUNCTION_WORD_SHARE if word in _FUNCTION_WORDS else 1.0
        framed = f"^{word}$"
        trigrams = [framed[at : at + 3] for at in range(len(framed) - 2)] or [framed]
        part = weight * _TRIGRAM_SHARE / math.sqrt(len(trigrams))
        stem: str = self._stemmer.stemWord(word)
        return (
            self._feature(f"stem {stem}", weight),
            *(self._feature(f"part {trigram}", part) for trigram in trigrams),
        )

    def _feature(self, name: str, weight: float) -> tuple[int, float]:
        # Not `hash`: that differs from process to process.
        number = int.from_bytes(blake2b(name.encode(errors="replace"), digest_size=8).digest())
        return number // 2 % self.dimension, weight if number % 2 else -weight
