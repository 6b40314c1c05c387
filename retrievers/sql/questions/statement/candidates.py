"""What each name of a draft may stand for, and how well it fits there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from retrievers.sql.catalogue.names import squash
from retrievers.sql.questions.draft import (
    DateIn,
    Draft,
    Holds,
    Lacks,
    Measure,
    Mention,
    NumberIs,
    ValueIs,
)
from retrievers.sql.questions.naming import Meaning
from retrievers.sql.questions.statement.facts import Facts
from retrievers.sql.schema import Column

MOST = 12  # candidates of one slot
AMOUNTS = frozenset({"amount", "total", "price", "cost", "revenue", "sum"})
Scored = tuple[Meaning, float]


@dataclass(frozen=True)
class Slot:
    """Something to decide, and what it may be."""

    key: object
    place: int
    candidates: tuple[Scored, ...]
    joined: bool = True  # False: its table is not joined


class Candidates:
    """For one database."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def slots(self, draft: Draft) -> Iterator[Slot]:
        """Everything that is to be decided, in the order of the statement's parts."""
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

    def _slot(self, mention: Mention, candidates: Iterable[Scored]) -> Slot:
        return Slot(mention, mention.place, tuple(candidates)[:MOST])

    def _entities(self, mention: Mention) -> tuple[Scored, ...]:
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
        words = self._facts.labels.columns[meaning.table, meaning.column]
        called_alike = squash(words) == squash(self._facts.labels.tables[meaning.table])
        if meaning.table in tables and (meaning.way in ("part", "synonym") or called_alike):
            return True
        links = self._facts.joins.links(meaning.table, meaning.column)
        return any(link.target in tables for link in links) and meaning.way != "exact"

    def _within(self, target: Mention | None, candidates: tuple[Scored, ...]) -> tuple[Scored, ...]:
        """What is shown belongs to what is listed, if that has it."""
        tables = {meaning.table for meaning in target.tables} if target is not None else set()
        kept = tuple(c for c in candidates if c[0].table in tables and c[0].column is not None)
        return kept or candidates

    def _named(self, mention: Mention) -> tuple[Scored, ...]:
        """Columns before tables: what is shown or sorted by is rather a column."""
        columns = [(m, m.score) for m in mention.columns if m.way not in ("part", "counted")]
        tables = [(m, m.score) for m in mention.tables]
        rest = [(m, m.score) for m in mention.columns if m.way in ("part", "counted")]
        return tuple(columns + tables + ([] if tables else rest))

    def _measured(self, measure: Measure) -> tuple[Scored, ...]:
        mention = measure.of
        if measure.function == "count":
            found = list(self._entities(mention))
            if not measure.distinct:
                counted = self._columns(mention, lambda c: c.kind == "number")
                found += [(m, score) for m, score in counted if m.way == "counted"]
            sums = [(m, s) for m, s in self._columns(mention, _summable) if m.way == "exact"]
            if not mention.tables and measure.counted and sums:
                return tuple(sums)
            return tuple(found[:MOST])
        if measure.function in ("sum", "avg"):
            found = self._numeric(mention, keys=False)
            if measure.counted:
                held = [(m, s) for m, s in found if m.way in ("counted", "exact")]
                counts = [(m, m.score) for m in mention.tables]
                return tuple(held or (counts if measure.function == "avg" else []))
            return tuple(found or self._amounts(mention))[:MOST]
        found = self._columns(mention, lambda c: c.kind in ("number", "date", "datetime"))
        return tuple((m, s) for m, s in found if not self._facts.is_key(m))

    def _numeric(self, mention: Mention, keys: bool) -> list[Scored]:
        found = self._columns(mention, lambda c: c.kind == "number" or (keys and c.kind == "text"))
        if keys:
            return found
        return [(m, s) for m, s in found if not self._facts.is_key(m)]

    def _amounts(self, mention: Mention) -> list[Scored]:
        """`total of invoices`: the one column of a table that is an amount."""
        found = []
        for meaning in mention.tables:
            columns = [
                column
                for column in self._facts.catalogue.tables[meaning.table].columns
                if column.kind == "number"
                and self._facts.labels.columns[meaning.table, column.name][-1] in AMOUNTS
            ]
            if len(columns) == 1:
                found.append((Meaning(meaning.table, columns[0].name, "comment"), 0.6))
        return found

    def _columns(self, mention: Mention, good: Callable[[Column], bool]) -> list[Scored]:
        found = []
        for meaning in mention.columns:
            column = self._facts.column(meaning)
            if column is not None and good(column):
                found.append((meaning, meaning.score))
        return found

    def _valued(self, condition: ValueIs) -> tuple[Scored, ...]:
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
            free += [(m, 0.8) for table in near.tables for m in self._facts.titles(table.table)]
            held = places or set()
            kept = [(m, s) for m, s in free if (m.table, m.column) in held]
            return tuple((kept or free)[:MOST])
        if not places:
            return self._unindexed(near)
        base = 0.75 if partial else 1.0
        found = []
        for table, column in sorted(places):
            score = base + self._nearness(near, table, column)
            words = self._facts.labels.columns[table, column]
            score += 0.25 * bool(condition.role and condition.role in words)
            score -= 0.15 * ((table, column) in aliases)
            if self._facts.catalogue.tables[table].column(column).unique:
                score += 0.1 * (column in [m.column for m in self._facts.titles(table)])
            found.append((Meaning(table, column, "exact"), score))
        if near is not None:
            kept = [item for item in found if self._nearness(near, *_place(item[0])) > 0]
            found = kept or found
        found.sort(key=lambda item: (-item[1], item[0].table, item[0].column or ""))
        return tuple(found[: 2 * MOST])

    def _nearness(self, near: Mention | None, table: str, column: str) -> float:
        if near is None:
            return 0.0
        if any(m.column == column and m.table == table for m in near.columns):
            return 0.3
        if any(m.table == table for m in near.tables):
            return 0.25 if column in [m.column for m in self._facts.titles(table)] else 0.1
        return 0.0

    def _unindexed(self, near: Mention | None) -> tuple[Scored, ...]:
        """Columns without a value index may hold what no other does."""
        if near is None:
            return ()
        found = self._columns(near, lambda c: c.kind == "text" and c.values is None)
        for table in near.tables:
            for meaning in self._facts.titles(table.table):
                column = self._facts.column(meaning)
                if column is not None and column.values is None:
                    found.append((meaning, 0.7))
        return tuple(found[:MOST])


def _dated(column: Column) -> bool:
    return column.kind in ("date", "datetime") or (column.kind == "number" and column.whole)


def _summable(column: Column) -> bool:
    return column.kind == "number" and column.whole


def _place(meaning: Meaning) -> tuple[str, str]:
    return meaning.table, meaning.column or ""
