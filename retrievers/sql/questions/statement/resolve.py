"""Decides which table or column each name of a draft stands for, all of them together.

Every combination is scored: good names, few joins, words of the question that the chosen names
account for. Two different combinations that are about as good mean that nothing is decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from retrievers.sql.catalogue.labels import Labels
from retrievers.sql.catalogue.names import singular, squash
from retrievers.sql.questions.draft import (
    DateIn,
    Draft,
    Holds,
    Lacks,
    Measure,
    Mention,
    NumberIs,
    TimeGroup,
    Unit,
    ValueIs,
)
from retrievers.sql.questions.language.meanings import ADJECTIVES, PERSONS, REVERSED
from retrievers.sql.questions.language.stems import Stems
from retrievers.sql.questions.statement.joins import Joins
from retrievers.sql.questions.vocabulary import Meaning, Value
from retrievers.sql.schema import Catalogue, Column

JOIN_COST = 0.2
NEAR = 0.04  # combinations closer than this are equally good
MOST_COMBINATIONS = 3_000
CANDIDATES = 12
AMOUNTS = frozenset({"amount", "total", "price", "cost", "revenue", "sum"})
UNITS_OF_TIME: Mapping[str, Unit] = {
    "day": "day",
    "month": "month",
    "quarter": "quarter",
    "year": "year",
}
AUDIT = frozenset({"created", "updated", "modified", "timestamp", "inserted", "deleted"})


@dataclass(frozen=True)
class Slot:
    """Something to decide, and what it may be."""

    key: object
    place: int
    candidates: tuple[tuple[Meaning, float], ...]
    joined: bool = True  # False: its table is not joined


@dataclass
class Resolution:
    """What was decided. Keys are the draft's own objects."""

    chosen: dict[int, Meaning] = field(default_factory=dict)
    values: dict[int, tuple[Value, ...]] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)
    keys: list[object] = field(default_factory=list)  # keeps them alive: ids are the keys

    def __getitem__(self, key: object) -> Meaning:
        return self.chosen[id(key)]

    def __contains__(self, key: object) -> bool:
        return id(key) in self.chosen

    def put(self, key: object, meaning: Meaning, score: float) -> None:
        """Decide one."""
        self.chosen[id(key)] = meaning
        self.scores.append(score)
        self.keys.append(key)

    @property
    def tables(self) -> set[str]:
        """Tables of all decisions."""
        return {meaning.table for meaning in self.chosen.values()}


class Resolver:
    """For one catalogue."""

    def __init__(self, catalogue: Catalogue, labels: Labels, joins: Joins, stems: Stems) -> None:
        self._catalogue, self._labels, self._joins, self._stems = catalogue, labels, joins, stems

    def resolve(self, draft: Draft) -> Resolution | None:
        """Decisions for every slot but time; None where one has none or two are equally good."""
        slots = list(self._slots(draft))
        if any(not slot.candidates for slot in slots):
            return None
        best = self._best(slots, self._said(draft), [self._stems(w) for w, _ in draft.verbs])
        if best is None:
            return None
        resolution = Resolution()
        for slot, (meaning, score) in zip(slots, best, strict=True):
            resolution.put(slot.key, meaning, score)
            if isinstance(slot.key, ValueIs):
                resolution.values[id(slot.key)] = tuple(
                    value
                    for alternatives in slot.key.values
                    for value in alternatives
                    if (value.table, value.column) == (meaning.table, meaning.column)
                )
        return resolution

    def column(self, meaning: Meaning) -> Column | None:
        """The column of a meaning; None for a table."""
        if meaning.column is None:
            return None
        return self._catalogue.tables[meaning.table].column(meaning.column)

    # -- candidates -------------------------------------------------------------------------

    def _slots(self, draft: Draft) -> Iterator[Slot]:
        if draft.target is not None:
            yield self._slot(draft.target, self._entities(draft.target))
        for group in draft.groups:
            if isinstance(group, Mention):
                yield self._slot(group, self._entities(group))
        for hint in draft.hints:
            yield self._slot(hint, self._entities(hint))
        for output in draft.outputs:
            if isinstance(output, Mention):
                yield self._slot(output, self._within(draft.target, self._named(output)))
        for measure in self._measures(draft):
            yield Slot(measure, measure.of.place, self._measured(measure))
        for sort in (*draft.sorts, *([draft.ranking] if draft.ranking else [])):
            if isinstance(sort.by, Mention):
                yield self._slot(sort.by, self._named(sort.by))
        for condition in draft.conditions:
            if isinstance(condition, ValueIs):
                yield Slot(condition, condition.place, self._valued(condition))
            elif isinstance(condition, NumberIs) and condition.of is not None:
                equal = condition.operator == "eq"
                yield self._slot(condition.of, self._numeric(condition.of, keys=equal))
            elif isinstance(condition, Holds):
                for mention in (condition.of, condition.alternative):
                    if mention is not None:
                        yield self._slot(mention, self._columns(mention, lambda c: True))
            elif isinstance(condition, Lacks) and condition.of is not None:
                lacking = tuple((m, m.score) for m in condition.of.tables)
                yield Slot(condition.of, condition.of.place, lacking, False)
            elif isinstance(condition, DateIn) and condition.of is not None:
                yield self._slot(condition.of, self._columns(condition.of, _dated))

    def _measures(self, draft: Draft) -> Iterator[Measure]:
        yield from draft.measures
        yield from (having.measure for having in draft.havings)
        for sort in (*draft.sorts, *([draft.ranking] if draft.ranking else [])):
            if isinstance(sort.by, Measure):
                yield sort.by

    def _slot(self, mention: Mention, candidates: Iterable[tuple[Meaning, float]]) -> Slot:
        return Slot(mention, mention.place, tuple(candidates)[:CANDIDATES])

    def _entities(self, mention: Mention) -> tuple[tuple[Meaning, float], ...]:
        """Tables, and columns that are no mere reference to one of those tables."""
        tables = {meaning.table for meaning in mention.tables}
        found = [(meaning, meaning.score) for meaning in mention.tables]
        for meaning in mention.columns:
            if not self._refers(meaning, tables) and meaning.way != "counted":
                found.append((meaning, meaning.score))
        return tuple(found)

    def _refers(self, meaning: Meaning, tables: set[str]) -> bool:
        if not tables or meaning.column is None:
            return False
        words = self._labels.columns[meaning.table, meaning.column]
        called_alike = squash(words) == squash(self._labels.tables[meaning.table])
        if meaning.table in tables and (meaning.way in ("part", "synonym") or called_alike):
            return True
        links = self._joins.links(meaning.table, meaning.column)
        return any(link.target in tables for link in links) and meaning.way != "exact"

    def _within(
        self, target: Mention | None, candidates: tuple[tuple[Meaning, float], ...]
    ) -> tuple[tuple[Meaning, float], ...]:
        """What is shown belongs to what is listed, if that has it."""
        tables = {meaning.table for meaning in target.tables} if target is not None else set()
        kept = tuple(c for c in candidates if c[0].table in tables and c[0].column is not None)
        return kept or candidates

    def _named(self, mention: Mention) -> tuple[tuple[Meaning, float], ...]:
        """Columns before tables: what is shown or sorted by is rather a column."""
        columns = [(m, m.score) for m in mention.columns if m.way not in ("part", "counted")]
        tables = [(m, m.score) for m in mention.tables]
        rest = [(m, m.score) for m in mention.columns if m.way in ("part", "counted")]
        return tuple(columns + tables + ([] if tables else rest))

    def _measured(self, measure: Measure) -> tuple[tuple[Meaning, float], ...]:
        mention = measure.of
        if measure.function == "count":
            found = list(self._entities(mention))
            if not measure.distinct:
                counted = self._columns(mention, lambda c: c.kind == "number")
                found += [(m, score) for m, score in counted if m.way == "counted"]
            sums = [(m, s) for m, s in self._columns(mention, _summable) if m.way == "exact"]
            if not mention.tables and measure.counted and sums:
                return tuple(sums)
            return tuple(found[:CANDIDATES])
        if measure.function in ("sum", "avg"):
            found = self._numeric(mention, keys=False)
            if measure.counted:
                held = [(m, s) for m, s in found if m.way in ("counted", "exact")]
                counts = [(m, m.score) for m in mention.tables]
                return tuple(held or (counts if measure.function == "avg" else []))
            return tuple(found or self._amounts(mention))[:CANDIDATES]
        found = self._columns(mention, lambda c: c.kind in ("number", "date", "datetime"))
        return tuple((m, s) for m, s in found if not self._is_key(m))

    def _numeric(self, mention: Mention, keys: bool) -> list[tuple[Meaning, float]]:
        found = self._columns(mention, lambda c: c.kind == "number" or (keys and c.kind == "text"))
        if keys:
            return found
        return [(m, s) for m, s in found if not self._is_key(m)]

    def _amounts(self, mention: Mention) -> list[tuple[Meaning, float]]:
        """`total of invoices`: the one column of a table that is an amount."""
        found = []
        for meaning in mention.tables:
            columns = [
                column
                for column in self._catalogue.tables[meaning.table].columns
                if column.kind == "number"
                and self._labels.columns[meaning.table, column.name][-1] in AMOUNTS
            ]
            if len(columns) == 1:
                found.append((Meaning(meaning.table, columns[0].name, "comment"), 0.6))
        return found

    def _columns(
        self, mention: Mention, good: Callable[[Column], bool]
    ) -> list[tuple[Meaning, float]]:
        found = []
        for meaning in mention.columns:
            column = self.column(meaning)
            if column is not None and good(column):
                found.append((meaning, meaning.score))
        return found

    def _is_key(self, meaning: Meaning) -> bool:
        if meaning.column is None:
            return False
        table = self._catalogue.tables[meaning.table]
        linked = bool(self._joins.links(meaning.table, meaning.column))
        return linked or (table.key == (meaning.column,) and meaning.column.lower().endswith("id"))

    def _valued(self, condition: ValueIs) -> tuple[tuple[Meaning, float], ...]:
        """Columns that hold all the values said, nearer ones first."""
        places: set[tuple[str, str]] | None = None
        aliases: set[tuple[str, str]] = set()
        partial = False
        for alternatives in condition.values:
            held = {(value.table, value.column) for value in alternatives}
            partial = partial or any(value.partial for value in alternatives)
            aliases |= {(v.table, v.column) for v in alternatives if v.alias}
            places = held if places is None else places & held
        near = condition.near
        if near is not None and condition.match in ("contains", "starts", "ends"):
            free = self._columns(near, lambda c: c.kind == "text")
            free += [(m, 0.8) for table in near.tables for m in self._titles(table.table)]
            held = places or set()
            kept = [(m, s) for m, s in free if (m.table, m.column) in held]
            return tuple((kept or free)[:CANDIDATES])
        if not places:
            return self._unindexed(near)
        base = 0.75 if partial else 1.0
        found = []
        for table, column in sorted(places):
            score = base + self._nearness(near, table, column)
            words = self._labels.columns[table, column]
            score += 0.25 * bool(condition.role and condition.role in words)
            score -= 0.15 * ((table, column) in aliases)
            if self._catalogue.tables[table].column(column).unique:
                score += 0.1 * (column in [m.column for m in self._titles(table)])
            found.append((Meaning(table, column, "exact"), score))
        if near is not None:
            kept = [item for item in found if self._nearness(near, *_place(item[0])) > 0]
            found = kept or found
        found.sort(key=lambda item: (-item[1], item[0].table, item[0].column or ""))
        return tuple(found[: 2 * CANDIDATES])

    def _nearness(self, near: Mention | None, table: str, column: str) -> float:
        if near is None:
            return 0.0
        if any(m.column == column and m.table == table for m in near.columns):
            return 0.3
        if any(m.table == table for m in near.tables):
            return 0.25 if column in [m.column for m in self._titles(table)] else 0.1
        return 0.0

    def _unindexed(self, near: Mention | None) -> tuple[tuple[Meaning, float], ...]:
        """Columns without a value index may hold what no other does."""
        if near is None:
            return ()
        found = self._columns(near, lambda c: c.kind == "text" and c.values is None)
        for table in near.tables:
            for meaning in self._titles(table.table):
                column = self.column(meaning)
                if column is not None and column.values is None:
                    found.append((meaning, 0.7))
        return tuple(found[:CANDIDATES])

    def _titles(self, table: str) -> list[Meaning]:
        """Columns that name a row."""
        found = []
        for column in self._catalogue.tables[table].columns:
            words = self._labels.columns[table, column.name]
            own = squash(self._labels.tables[table])
            named = words[-1] in ("name", "title", "label", "code", "symbol")
            if column.kind == "text" and (named or squash(words) == own):
                found.append(Meaning(table, column.name, "full"))
        return found

    # -- choice -----------------------------------------------------------------------------

    def _said(self, draft: Draft) -> list[str]:
        return [self._stems(word) for word, _ in draft.words]

    def _best(
        self, slots: Sequence[Slot], said: Sequence[str], verbs: Sequence[str]
    ) -> tuple[tuple[Meaning, float], ...] | None:
        first = [_first_alike(slots, slot) for slot in slots]
        own = sorted(set(first))
        combinations = 1
        for place in own:
            combinations *= len(slots[place].candidates)
        if combinations > MOST_COMBINATIONS:
            return None
        joined = [slot.joined for slot in slots]
        choices = (
            tuple(picked[own.index(place)] for place in first)
            for picked in product(*(slots[place].candidates for place in own))
        )
        ranked = sorted(
            (
                (self._score(choice, joined, said, verbs), number, choice)
                for number, choice in enumerate(choices)
            ),
            key=lambda item: (-item[0], item[1]),
        )
        if not ranked:
            return None
        score, _, best = ranked[0]
        for other_score, _, other in ranked[1:]:
            if other_score < score - NEAR:
                break
            if not self._alike(best, other):
                return None
        return best

    def _score(
        self,
        choice: Sequence[tuple[Meaning, float]],
        joined: Sequence[bool],
        said: Sequence[str],
        verbs: Sequence[str],
    ) -> float:
        tables = {meaning.table for (meaning, _), yes in zip(choice, joined, strict=True) if yes}
        total = sum(score for _, score in choice) - JOIN_COST * self._joins.size(tables)
        if said or verbs:
            claimed = self.claimed([meaning for meaning, _ in choice])
            total += 0.3 * sum(word in claimed for word in said)
            total += 0.1 * sum(word in claimed for word in verbs)
        return total

    def events_of(self, table: str) -> set[str]:
        """Stems of what a table's dates are called: the verbs of its rows (`sailed`)."""
        return {
            self._stems(word)
            for column in self._catalogue.tables[table].columns
            if column.kind in ("date", "datetime")
            for word in self._labels.columns[table, column.name]
        }

    def person(self, table: str) -> str | None:
        """The table of persons nearest to a table, if there is one such; it may be the table."""
        near = sorted(
            (self._joins.distance(table, name), name)
            for name, words in self._labels.tables.items()
            if singular(words[-1]) in PERSONS and self._catalogue.tables[name].asked
        )
        if not near or near[0][0] > 3 or (len(near) > 1 and near[0][0] == near[1][0]):
            return None
        return near[0][1]

    def is_title(self, meaning: Meaning) -> bool:
        """Whether a column names the rows of its table."""
        return any(m.column == meaning.column for m in self._titles(meaning.table))

    def words_of(self, table: str, column: str) -> set[str]:
        """Stems of a column's own words."""
        return {self._stems(word) for word in self._labels.columns.get((table, column), ())}

    def claimed(self, meanings: Iterable[Meaning]) -> set[str]:
        """Stems of the words in the names of what was chosen."""
        found: set[str] = set()
        for meaning in meanings:
            words = self._labels.tables[meaning.table]
            if meaning.column is not None:
                words = (*words, *self._labels.columns[meaning.table, meaning.column])
            found.update(self._stems(word) for word in words)
        return found

    def _alike(
        self, one: Sequence[tuple[Meaning, float]], other: Sequence[tuple[Meaning, float]]
    ) -> bool:
        """Whether two combinations mean the same by foreign keys."""
        for (a, _), (b, _) in zip(one, other, strict=True):
            if (a.table, a.column) == (b.table, b.column):
                continue
            if a.column is None or b.column is None:
                return False
            if not self._joins.same((a.table, a.column), (b.table, b.column)):
                return False
        return True

    # -- adjectives -------------------------------------------------------------------------

    def adjective(self, table: str, adjective: str, draft: Draft) -> tuple[Meaning, bool] | None:
        """The column a superlative measures in a table, and whether its order is turned round."""
        said = {*self._said(draft)}
        for noun in ADJECTIVES.get(adjective, ()):
            found: list[tuple[int, str]] = []
            for column in self._catalogue.tables[table].columns:
                words = self._labels.columns[table, column.name]
                named = set(noun.split()) <= {*words, squash(words)}
                if (
                    named
                    and column.kind in ("number", "date", "datetime")
                    and not self._is_key(Meaning(table, column.name, "part"))
                ):
                    overlap = len(said & {self._stems(word) for word in words})
                    found.append((overlap, column.name))
            found.sort(key=lambda item: (-item[0], item[1]))
            if len(found) > 1 and found[0][0] == found[1][0]:
                return None
            if found:
                column = self._catalogue.tables[table].column(found[0][1])
                dated = column.kind != "number" or "year" in found[0][1].lower()
                return Meaning(table, column.name, "part"), adjective in REVERSED and dated
        return None

    # -- time -------------------------------------------------------------------------------

    def settle_time(self, draft: Draft) -> None:
        """`in each year`: of the counted rows' dates, unless they have a column called so."""
        counted = {m.table for measure in draft.measures for m in measure.of.tables}
        for place, group in enumerate(draft.groups):
            if not isinstance(group, Mention) or group.text not in UNITS_OF_TIME:
                continue
            if counted & {meaning.table for meaning in group.columns}:
                continue
            dated = any(
                column.kind in ("date", "datetime")
                for table in counted
                for column in self._catalogue.tables[table].columns
            )
            if dated:
                draft.groups[place] = TimeGroup(UNITS_OF_TIME[group.text], None, group.place)

    def date_column(
        self, resolution: Resolution, draft: Draft, primary: str, place: int, years: bool
    ) -> Meaning | None:
        """The one date column that is meant where none is named.

        Args:
            primary: The table whose rows are counted or listed.
            years: Whether a column that holds years will do.
        """
        near = [*draft.words, *draft.verbs]
        said = {self._stems(word) for word, at in near if abs(at - place) <= 6}
        found: list[tuple[float, Meaning]] = []
        for table in sorted(resolution.tables):
            for column in self._catalogue.tables[table].columns:
                words = self._labels.columns[table, column.name]
                year = years and column.kind == "number" and words[-1] == "year"
                if column.kind not in ("date", "datetime") and not year:
                    continue
                stems = {self._stems(word) for word in words}
                score = 1.0 * len(stems & said) + 0.5 * (table == primary)
                score -= 0.8 * bool(AUDIT & set(words) and not stems & said)
                found.append((score, Meaning(table, column.name, "part")))
        found.sort(key=lambda item: (-item[0], item[1].table, item[1].column or ""))
        if not found or (len(found) > 1 and found[0][0] - found[1][0] < 0.3):
            return None
        return found[0][1]


def _first_alike(slots: Sequence[Slot], slot: Slot) -> int:
    """The first slot that asks the same: what is said twice means the same twice."""
    for place, other in enumerate(slots):
        if other is slot:
            return place
        if type(other.key) is not type(slot.key) or other.candidates != slot.candidates:
            continue
        if isinstance(slot.key, Measure | Mention) and not isinstance(other.key, ValueIs):
            return place
    raise ValueError("a slot that is none")


def _dated(column: Column) -> bool:
    return column.kind in ("date", "datetime") or (column.kind == "number" and column.whole)


def _summable(column: Column) -> bool:
    return column.kind == "number" and column.whole


def _place(meaning: Meaning) -> tuple[str, str]:
    return meaning.table, meaning.column or ""
