"""A passage as the reader sees it: its sentences, and the stems in each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from app.engine.reading.sentences import sentences
from app.engine.reading.words import Word, content, words

_QUALIFIER = re.compile(r"\s*\([^)]*\)")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of a passage; offsets are into the passage's text."""

    start: int
    end: int
    closed: bool
    words: tuple[Word, ...]
    stems: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    """Stems of neighbouring content words."""
    above: frozenset[str]
    """Stems of the heading over it."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One hit, read."""

    title: str
    text: str
    title_stems: frozenset[str]
    name: str
    """The title as a name to look for: folded, without a qualifier in parentheses."""
    lines: tuple[Line, ...]

    def stems(self) -> frozenset[str]:
        """All content stems, the title's included."""
        return self.title_stems.union(*(line.stems | line.above for line in self.lines))


def read(title: str, text: str, context: str = "") -> Passage:
    """Cut a passage into sentences and stem it.

    Headings are read with the sentences under them; they are no sentences themselves, unless there
    is nothing else.

    Args:
        context: Headings over the passage that are not in its text.
    """
    cut = sentences(text)
    prose = not all(sentence.heading for sentence in cut)
    above = frozenset(content(context))
    lines = []
    for start, end, closed, heading in cut:
        found = tuple(words(text, start, end))
        stems = [word.stem for word in found if word.stem]
        if heading and prose:
            above = frozenset(stems)
            continue
        lines.append(
            Line(start, end, closed, found, frozenset(stems), frozenset(pairwise(stems)), above)
        )
    name = folded(_QUALIFIER.sub("", title))
    return Passage(title, text, frozenset(content(title)), name, tuple(lines))


def folded(text: str) -> str:
    """Lower-case words joined by one space: two spellings of a name become one."""
    return " ".join(_WORD.findall(text.lower()))


def mentions(text: str, name: str) -> bool:
    """Whether a folded text holds a folded name as whole words. An empty name is never held."""
    return bool(name) and f" {name} " in f" {text} "
