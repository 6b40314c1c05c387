"""What the words of a question may mean in one database: names of tables and columns, values."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz, process

from retrievers.sql.catalogue.labels import Labels
from retrievers.sql.catalogue.names import singular, squash
from retrievers.sql.questions.language.lexicon import STOP
from retrievers.sql.questions.language.meanings import SYNONYMS
from retrievers.sql.questions.language.places import PLACES
from retrievers.sql.questions.language.stems import Stems
from retrievers.sql.questions.language.words import POSSESSIVE
from retrievers.sql.questions.naming import Meaning, Synonyms, names_of
from retrievers.sql.schema import Catalogue

__all__ = ["Meaning", "Synonyms", "Value", "Vocabulary", "value_key"]

MOST_PARTIAL = 3_000  # values of a column whose single words are indexed
SPELLING = 92.0  # of 100, by edits
SHORTEST_MISSPELT = 6
_WORD = re.compile(r"\w+")


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

    def __init__(
        self, catalogue: Catalogue, labels: Labels, synonyms: Synonyms, stems: Stems
    ) -> None:
        known = {**SYNONYMS, **{k.lower(): tuple(v) for k, v in synonyms.items()}}
        self.composites: set[str] = set()
        """Names made of a table's and a column's."""
        exact, stemmed = _Index(), _Index()
        words = set[str]()
        for table in catalogue.tables.values():
            if not table.asked:
                continue
            for name in names_of(table, labels, known):
                exact.add(squash(name.words), name.meaning)
                words.update(singular(word) for word in name.words)
                words.add(squash(name.words))
                if name.composite:
                    self.composites.add(squash(name.words))
                elif name.meaning.column is not None:
                    stemmed.add("".join(map(stems, name.words)), name.meaning)
        self._names, self._stemmed = exact.sorted(), stemmed.sorted()
        self._stems = stems
        self._values = _values(catalogue)
        self._by_letter: dict[str, list[str]] = defaultdict(list)
        for key in self._values:
            self._by_letter[key[0]].append(key)
        self._words = _value_words(catalogue)
        first_words = {
            singular(word)
            for table in catalogue.tables.values()
            if table.asked
            for column in table.columns
            for value in column.values or ()
            for word in _WORD.findall(value.lower())[:1]
        }
        self._single = (words | first_words) - STOP
        self.longest = 9

    def names(self, key: str) -> tuple[Meaning, ...]:
        """Tables and columns of that name, best first."""
        return self._names.get(key, ())

    def inflected(self, words: Sequence[str]) -> tuple[Meaning, ...]:
        """Names of which the words are other forms: `declared major` for `declare_major`."""
        found = self._stemmed.get("".join(map(self._stems, words)), ())
        return tuple(replace(meaning, way="part") for meaning in found if meaning.score >= 0.9)

    def values(self, key: str) -> tuple[Value, ...]:
        """Columns that hold exactly that value."""
        return self._values.get(key, ())

    def misspelt(self, key: str) -> tuple[Value, ...]:
        """Columns with the one value that is spelt nearly so; numbers in it must agree."""
        if len(key) < SHORTEST_MISSPELT:
            return ()
        digits = _digits(key)
        alike = [k for k in self._by_letter.get(key[0], ()) if _digits(k) == digits]
        found = process.extract(key, alike, scorer=fuzz.ratio, score_cutoff=SPELLING, limit=2)
        if not found or (len(found) > 1 and found[0][1] == found[1][1]):
            return ()
        return tuple(replace(value, alias=True) for value in self._values[found[0][0]])

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
        return any(singular(word) in self._single for word in _WORD.findall(text.lower()))


class _Index:
    """The best meaning for each key and place."""

    def __init__(self) -> None:
        self._found: dict[str, dict[tuple[str, str | None], Meaning]] = defaultdict(dict)

    def add(self, key: str, meaning: Meaning) -> None:
        place = (meaning.table, meaning.column)
        known = self._found[key].get(place)
        if key and (known is None or known.score < meaning.score):
            self._found[key][place] = meaning

    def sorted(self) -> dict[str, tuple[Meaning, ...]]:
        return {
            key: tuple(sorted(found.values(), key=lambda m: (-m.score, m.table, m.column or "")))
            for key, found in self._found.items()
        }


def _values(catalogue: Catalogue) -> dict[str, tuple[Value, ...]]:
    found: dict[str, dict[tuple[str, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for table in catalogue.tables.values():
        if not table.asked:
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


def _digits(key: str) -> str:
    return "".join(character for character in key if character.isdigit())


def _value_words(catalogue: Catalogue) -> dict[str, frozenset[tuple[str, str, str]]]:
    found: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for table in catalogue.tables.values():
        if not table.asked:
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
