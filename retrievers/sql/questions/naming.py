"""Everything a table or a column may be called, from its name, its comment and synonyms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from retrievers.sql.catalogue.labels import Labels
from retrievers.sql.catalogue.names import split, squash
from retrievers.sql.questions.language.lexicon import GENERIC_PARTS, LIGHT, MEASURED_IN
from retrievers.sql.schema import Table

Synonyms = Mapping[str, Sequence[str]]
Way = Literal["exact", "full", "part", "counted", "synonym", "comment"]
SCORES: Mapping[Way, float] = {
    "exact": 1.0,
    "full": 0.9,
    "counted": 0.9,
    "part": 0.7,
    "synonym": 0.6,
    "comment": 0.5,
}
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meaning:
    """A table, or a column of one, that a run of words may name.

    Attributes:
        way: How it is named. "counted" is a column that holds a number of what was named.
    """

    table: str
    column: str | None
    way: Way

    @property
    def score(self) -> float:
        """How good a link this is."""
        return SCORES[self.way]


@dataclass(frozen=True, slots=True)
class Name:
    """Words for something.

    Attributes:
        composite: Made of the table's name and the column's: `author name`.
    """

    words: Words
    meaning: Meaning
    composite: bool = False


def names_of(table: Table, labels: Labels, synonyms: Synonyms) -> Iterator[Name]:
    """All names of a table and its columns; the same words may come more than once."""
    subject = labels.tables[table.name]
    yield Name(split(table.name), Meaning(table.name, None, "exact"))
    for words, way in _ways(subject, synonyms):
        yield Name(words, Meaning(table.name, None, way))
    if len(subject) == 2 and _is_noun(subject[-1]):
        yield Name(subject[-1:], Meaning(table.name, None, "part"))
    comment = split(table.comment)
    if len(comment) == 1:
        yield Name(comment, Meaning(table.name, None, "comment"))
    named = any(labels.columns[table.name, column.name][-1] == "name" for column in table.columns)
    for column in table.columns:
        words = labels.columns[table.name, column.name]
        for name, way in _column(words, subject, synonyms):
            # `flight_number` numbers flights, `citation_num` counts citations.
            if way == "counted" and column.name.lower().endswith("number"):
                continue
            # A title is a name only where nothing else is.
            if not (way == "synonym" and name == ("name",) and named):
                yield Name(name, Meaning(table.name, column.name, way))
        yield Name(split(column.name), Meaning(table.name, column.name, "exact"))
        own = _without(words, subject)
        if own:
            joined = (*subject, *own)
            composite = squash(joined) != squash(words)
            yield Name(joined, Meaning(table.name, column.name, "full"), composite)
            for other in synonyms.get(squash(subject), ()):
                meaning = Meaning(table.name, column.name, "synonym")
                yield Name((*split(other), *own), meaning, True)
        comment = split(column.comment)
        if 0 < len(comment) <= 4:
            yield Name(comment, Meaning(table.name, column.name, "comment"))


def _without(words: Words, subject: Words) -> Words:
    """A column's words without its table's in front."""
    return words[len(subject) :] if squash(words[: len(subject)]) == squash(subject) else words


def _column(words: Words, subject: Words, synonyms: Synonyms) -> Iterator[tuple[Words, Way]]:
    own = _without(words, subject)
    for some in dict.fromkeys((words, own)):
        yield from _ways(some, synonyms)
        if len(some) > 1 and some[-1] not in GENERIC_PARTS:
            yield some[-1:], "part"
    for counted in _counted(own or words):
        yield counted, "counted"
        for other in synonyms.get(squash(counted), ()):
            yield split(other), "counted"


def _ways(words: Words, synonyms: Synonyms) -> Iterator[tuple[Words, Way]]:
    """All of a name, the name without words that say little, its end, synonyms."""
    if not words:
        return
    yield words, "full"
    if len(words) > 1 and words[-1] in MEASURED_IN:
        words = words[:-1]
        yield words, "full"
    bare = tuple(word for word in words if word not in GENERIC_PARTS)
    if bare and len(bare) < len(words):
        yield bare, "part"
        if len(words) == 2 and len(bare) == 1:
            yield words[::-1], "part"
        for other in synonyms.get(squash(bare), ()):
            yield split(other), "synonym"
    for size in range(1, len(words) + 1):
        if 1 < size < len(words):
            yield words[-size:], "part"
        for other in synonyms.get(squash(words[-size:]), ()):
            yield (*words[:-size], *split(other)), "synonym"
            if size < len(words) and words[-1] not in GENERIC_PARTS:
                yield split(other), "synonym"


def _counted(words: Words) -> Iterator[Words]:
    """`citation_num` and `num_reviews` hold numbers of citations and reviews."""
    for place in (0, len(words) - 1):
        if words[place] in ("number", "count", "total") and len(words) > 1:
            yield words[1:] if not place else words[:-1]


def _is_noun(word: str) -> bool:
    """Whether the last word of a table's name can stand for it: `offering`, not `made`."""
    return not word.endswith("ed") and word not in LIGHT and word not in GENERIC_PARTS
