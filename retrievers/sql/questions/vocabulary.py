"""What the words of a question may mean in one database: names of tables and columns, values."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from retrievers.sql.labels import Labels
from retrievers.sql.names import singular, split, squash
from retrievers.sql.questions.lexicon import GENERIC_PARTS, MEASURED_IN, SYNONYMS
from retrievers.sql.questions.places import PLACES
from retrievers.sql.questions.words import POSSESSIVE
from retrievers.sql.schema import Catalogue, Table

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
MOST_PARTIAL = 3_000  # values of a column whose single words are indexed
_WORD = re.compile(r"\w+")


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
class Value:
    """Cells of one column that a run of words names.

    Attributes:
        stored: As they stand in the database: spellings that differ in case or punctuation.
        partial: The words are only a part of the cell.
        alias: The words are another name for it.
    """

    table: str
    column: str
    stored: tuple[str, ...]
    partial: bool = False
    alias: bool = False


class Vocabulary:
    """Lookup by squashed words."""

    def __init__(self, catalogue: Catalogue, labels: Labels, synonyms: Synonyms) -> None:
        self._synonyms = {**SYNONYMS, **{k.lower(): tuple(v) for k, v in synonyms.items()}}
        self.composites: set[str] = set()
        """Names made of a table's and a column's: `author name`."""
        names: dict[str, dict[tuple[str, str | None], Meaning]] = defaultdict(dict)
        for table in catalogue.tables.values():
            if table.view:
                continue
            for key, meaning in self._meanings(table, labels):
                place = (meaning.table, meaning.column)
                known = names[key].get(place)
                if key and (known is None or known.score < meaning.score):
                    names[key][place] = meaning
        self._names = {
            key: tuple(sorted(found.values(), key=lambda m: (-m.score, m.table, m.column or "")))
            for key, found in names.items()
        }
        self._values = _values(catalogue)
        self._words = _value_words(catalogue)
        self._starts = _starts(self._names) | _starts(self._values)
        self.longest = 9

    def names(self, key: str) -> tuple[Meaning, ...]:
        """Tables and columns of that name, best first."""
        return self._names.get(key, ())

    def values(self, key: str) -> tuple[Value, ...]:
        """Columns that hold exactly that value."""
        return self._values.get(key, ())

    def containing(self, words: Sequence[str]) -> tuple[Value, ...]:
        """Columns with values of which these words are a part."""
        sets = [self._words.get(word, frozenset()) for word in words]
        shared = frozenset.intersection(*sets) if sets else frozenset()
        phrase = " ".join(words)
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for table, column, value in sorted(shared):
            if phrase in " ".join(_WORD.findall(value.lower())):
                found[table, column].append(value)
        return tuple(Value(t, c, tuple(stored), True) for (t, c), stored in found.items())

    def touches(self, text: str) -> bool:
        """Whether any word could begin a name or a value: cheap, for questions that do not."""
        return any(singular(word)[:3] in self._starts for word in _WORD.findall(text.lower()))

    def _meanings(self, table: Table, labels: Labels) -> Iterator[tuple[str, Meaning]]:
        subject = labels.tables[table.name]
        named = any(labels.columns[table.name, c.name][-1] == "name" for c in table.columns)
        for key, way in self._ways(subject, subject):
            yield key, Meaning(table.name, None, way)
        yield squash(split(table.name)), Meaning(table.name, None, "exact")
        for word in split(table.comment)[:1] if len(split(table.comment)) == 1 else ():
            yield squash([word]), Meaning(table.name, None, "comment")
        for column in table.columns:
            words = labels.columns[table.name, column.name]
            own = words
            if squash(words[: len(subject)]) == squash(subject):
                own = words[len(subject) :]
            yield squash(split(column.name)), Meaning(table.name, column.name, "exact")
            for key, way in (*self._ways(words, subject), *self._ways(own, subject)):
                # A title is a name only where nothing else is.
                if not (way == "synonym" and key == "name" and named):
                    yield key, Meaning(table.name, column.name, way)
            if own:
                joined = squash((*subject, *own))
                if joined != squash(words):
                    self.composites.add(joined)
                yield joined, Meaning(table.name, column.name, "full")
                for other in self._synonyms.get(squash(subject), ()):
                    key = squash((*split(other), *own))
                    yield key, Meaning(table.name, column.name, "synonym")
            for counted in _counted(own or words):
                for other in (counted, *self._synonyms.get(counted, ())):
                    yield squash(split(other)), Meaning(table.name, column.name, "counted")
            comment = split(column.comment)
            if 0 < len(comment) <= 4:
                yield squash(comment), Meaning(table.name, column.name, "comment")

    def _ways(self, words: tuple[str, ...], subject: tuple[str, ...]) -> Iterator[tuple[str, Way]]:
        """Keys for a name: all of it, without words that say little, its head, synonyms."""
        if not words:
            return
        yield squash(words), "full"
        if len(words) > 1 and words[-1] in MEASURED_IN:
            words = words[:-1]
            yield squash(words), "full"
        bare = [word for word in words if word not in GENERIC_PARTS]
        if bare and len(bare) < len(words):
            yield squash(bare), "part"
            if len(words) == 2 and len(bare) == 1:
                yield squash(reversed(words)), "part"
        if len(words) > 1 and words[-1] not in GENERIC_PARTS and words != subject:
            yield squash(words[-1:]), "part"
        for size in range(1, len(words) + 1):
            tail = squash(words[-size:])
            if 1 < size < len(words):
                yield tail, "part"
            for other in self._synonyms.get(tail, ()):
                yield squash((*words[:-size], *split(other))), "synonym"
                if size < len(words) and words[-1] not in GENERIC_PARTS:
                    yield squash(split(other)), "synonym"
        if bare and len(bare) < len(words):
            for other in self._synonyms.get(squash(bare), ()):
                yield squash(split(other)), "synonym"


def _counted(words: tuple[str, ...]) -> Iterator[str]:
    """`citation_num` and `num_reviews` hold numbers of citations and reviews."""
    for place in (0, len(words) - 1):
        if words[place] in ("number", "count", "total") and len(words) > 1:
            yield squash(words[1:] if not place else words[:-1])


def _values(catalogue: Catalogue) -> dict[str, tuple[Value, ...]]:
    found: dict[str, dict[tuple[str, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for table in catalogue.tables.values():
        if table.view:
            continue
        for column in table.columns:
            for value in column.values or ():
                if key := value_key(value):
                    found[key][table.name, column.name].append(value)
    aliases: dict[str, dict[tuple[str, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, others in PLACES.items():
        for other in others:
            for place, stored in found.get(squash([other]), {}).items():
                known = aliases[squash(name.split())][place]
                known += [text for text in stored if text not in known]
    values = {
        key: tuple(Value(t, c, tuple(stored)) for (t, c), stored in places.items())
        for key, places in found.items()
    }
    for key, other_places in aliases.items():
        named = {(value.table, value.column) for value in values.get(key, ())}
        added = tuple(
            Value(t, c, tuple(stored), alias=True)
            for (t, c), stored in other_places.items()
            if (t, c) not in named
        )
        values[key] = (*values.get(key, ()), *added)
    return values


def value_key(value: str) -> str:
    """Like `squash`, for text with punctuation."""
    return squash(_WORD.findall(POSSESSIVE.sub(" ", value.lower()).replace("_", " ")))


def _value_words(catalogue: Catalogue) -> dict[str, frozenset[tuple[str, str, str]]]:
    found: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for table in catalogue.tables.values():
        if table.view:
            continue
        for column in table.columns:
            values = column.values or ()
            if len(values) > MOST_PARTIAL:
                continue
            for value in values:
                words = _WORD.findall(value.lower())
                if len(words) > 1:
                    for word in words:
                        found[word].add((table.name, column.name, value))
    return {word: frozenset(places) for word, places in found.items()}


def _starts(index: Mapping[str, object]) -> frozenset[str]:
    return frozenset(key[:3] for key in index)
