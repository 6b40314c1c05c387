"""How the reader sees words: their places, their stems, and which of them carry content."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_STOP_WORDS = """
a about after all also am an and any are as at be because been before being between both but by
can could did do does done down during each either for from had has have he her here hers him
his how i if in into is it its itself many may me might more most much must my no nor not of off
on once one only or other our out over own same shall she should so some such than that the
their them then there these they this those through to too under until up upon us very was we
were what when where whether which while who whom whose why will with within would you your s t
called name named known exactly please tell give
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
LONGEST_WORD = 64
"""Characters of a word that count: a page without a space is one word, not a page of stem."""

# Scripts written without spaces: a run of letters there is a sentence, so each sign is a word.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}_]+")
_SUFFIXES = (
    "ations", "ation", "ings", "ing", "edly", "ed", "ies", "ers", "ors", "er", "or", "es", "s",
    "ly", "e", "y",
)  # fmt: skip
_ROOT = 7
_IRREGULAR = {
    "born": "birth", "wrote": "writ", "written": "writ", "won": "win", "sang": "sing",
    "sung": "sing", "song": "sing", "died": "dea", "dead": "dea", "death": "dea", "die": "dea",
    "dies": "dea", "made": "mak", "built": "build", "fought": "fight", "held": "hold",
    "led": "lead", "began": "begin", "begun": "begin", "bought": "buy", "sold": "sell",
    "grew": "grow", "grown": "grow", "ran": "run", "men": "man", "women": "woman",
    "children": "child", "film": "movi", "films": "movi", "wife": "marri", "husband": "marri",
    "spouse": "marri", "marry": "marri", "married": "marri", "marriage": "marri",
}  # fmt: skip


class Word(NamedTuple):
    """One word of a text: code-point offsets, and its stem ("" for a stop word)."""

    start: int
    end: int
    stem: str


@lru_cache(65_536)
def stem(word: str) -> str:
    """What forms of one lower-case word share; "" for a stop word.

    Cuts harder than Snowball ("directed", "director" and "direction" are one), because a missed
    match costs a reader more than a wrong one.
    """
    if word in STOP_WORDS:
        return ""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            break
    return word[:_ROOT]


def words(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """The words of `text[start:end]`, in order, with offsets into `text`."""
    stop = len(text) if end is None else end
    return [
        Word(match.start(), match.end(), stem(match.group()[:LONGEST_WORD].lower()))
        for match in _WORD.finditer(text, start, stop)
    ]


def content(text: str) -> list[str]:
    """The stems of a text's content words, in order, repeats kept."""
    return [word.stem for word in words(text) if word.stem]
