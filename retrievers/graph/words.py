"""Words, keys and terms: how the passage graph reads text. Pure, and the same for text and query.

A *word* is a run of letters and digits as written; a *key* names an entity (lower-case words joined
by spaces); a *term* is the stem of a word that carries content.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import snowballstemmer

# Also the words that alone never name an entity. Question words are in it: they say what is asked
# for, not what stands in a passage.
STOP_WORDS = frozenset(
    """a after also an and are as at be been before both but by did do does during first for
    from had has have he her his how i if in is it its many most my new not of on one or
    other our second she since some such than that the their then there these they this
    those three to two until was we were what when where which while who whom whose why with
    you""".split()  # noqa: SIM905 - a list of strings would hide the words
)
LONGEST_WORD = 64
"""Characters of a word that count: a megabyte without a space must not become a megabyte of key."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(r"\w+")
# Scripts without spaces (Thai, Lao, Burmese, Khmer, kana, Han): `\w+` would take a whole sentence
# for one word, and nothing would ever match.
_WORD_OR_SIGN = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_QUESTION_WORD = re.compile(r"[\w'\u2019\-]+")


def words(text: str) -> list[str]:
    """The words of a text as written (NFKC), in order."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        if _HAS_UNSPACED.search(text):
            return [word[:LONGEST_WORD] for word in _WORD_OR_SIGN.findall(text)]
    return [word[:LONGEST_WORD] for word in _WORD.findall(text)]


def entity_key(text: str) -> str:
    """The key of a name: lower-case words joined by one space, without a possessive at the end."""
    key = " ".join(word.lower() for word in words(text))
    return key[:-2] if key.endswith(" s") else key


def question_words(question: str) -> list[str]:
    """The question cut at spaces and punctuation, apostrophes and hyphens kept inside words."""
    return _QUESTION_WORD.findall(question)


class Stemmer:
    """English Snowball stems, remembered.

    Threads may share it: the stemmer keeps the word it works on in itself, hence the lock.
    """

    def __init__(self, remembered: int = 5_000) -> None:
        self._stemmer = snowballstemmer.stemmer("english")
        self._lock = threading.Lock()
        self._stem = lru_cache(remembered)(self._compute)

    def _compute(self, word: str) -> str:
        with self._lock:
            return str(self._stemmer.stemWord(word))

    def term(self, word: str) -> str | None:
        """The term of a lower-case word; None for a stop word."""
        return None if word in STOP_WORDS else self._stem(word)
