"""Keys and links between tables where the schema declares none, from names and values.

Only what is next to certain is inferred: a wrong join gives wrong rows, a missing one none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from retrievers.sql.catalogue.labels import Labels
from retrievers.sql.catalogue.names import squash
from retrievers.sql.schema import Column, Link, Table

_IDENTIFIERS = ("id", "code", "key", "uuid", "guid")
_GENERIC = frozenset(
    {"id", "name", "code", "key", "uuid", "guid", "full_name", "first_name", "last_name"}
)


def infer_keys(tables: Sequence[Table], labels: Labels) -> list[Table]:
    """Each table without a declared key gets the first unique column that looks like one."""
    return [table if table.key else replace(table, key=_key(table, labels)) for table in tables]


def _key(table: Table, labels: Labels) -> tuple[str, ...]:
    named = [c for c in table.columns if labels.columns[table.name, c.name][-1] in _IDENTIFIERS]
    for column in named:
        words = labels.columns[table.name, column.name]
        own = squash(words[:-1]) in ("", squash(labels.tables[table.name]))
        if column.unique or (not table.rows and own):
            return (column.name,)
    first = table.columns[0]
    return (first.name,) if first.unique and first.kind == "text" else ()


def infer_links(tables: Sequence[Table], declared: Sequence[Link], labels: Labels) -> list[Link]:
    """Declared links, and for columns without one the single table they can only point to."""
    linked = {(link.table, column) for link in declared for column in link.columns}
    found = list(declared)
    for table in tables:
        if not table.asked:
            continue
        for column in table.columns:
            if (table.name, column.name) in linked or column.kind not in ("number", "text"):
                continue
            if link := _link(table, column, tables, labels):
                found.append(link)
    return found


def _link(table: Table, column: Column, tables: Sequence[Table], labels: Labels) -> Link | None:
    words = labels.columns[table.name, column.name]
    if table.key == (column.name,) and squash(words[:-1]) == squash(labels.tables[table.name]):
        return None  # what a table calls its own id points nowhere
    others = [other for other in tables if other.name != table.name and other.asked]
    for found in (
        list(_by_equal_name(column, others)),
        list(_by_naming(column, words, others, labels)),
    ):
        if len(found) > 1:
            found = [f for f in found if _owns(f[0], f[1], labels)]
        for target, key, role in found if len(found) == 1 else ():
            same_type = (key.kind, key.whole) == (column.kind, column.whole)
            if same_type and _contained(column, key):
                return Link(
                    table.name, (column.name,), target.name, (key.name,), role, declared=False
                )
    return None


def _by_equal_name(column: Column, others: Sequence[Table]) -> Iterator[tuple[Table, Column, str]]:
    """Tables where a column of the same name identifies a row."""
    name = column.name.lower()
    if name in _GENERIC or not name.endswith((*_IDENTIFIERS, "name")):
        return
    for other in others:
        for candidate in other.columns:
            if candidate.name.lower() == name and (
                candidate.unique or other.key == (candidate.name,)
            ):
                yield other, candidate, ""


def _owns(table: Table, column: Column, labels: Labels) -> bool:
    """Whether the column is named after its table: `state_name` in state, not in highlow."""
    return squash(labels.columns[table.name, column.name][:-1]) == squash(labels.tables[table.name])


def _by_naming(
    column: Column, words: tuple[str, ...], others: Sequence[Table], labels: Labels
) -> Iterator[tuple[Table, Column, str]]:
    """Tables that the column's name names: `<table>_id`, `<table>`, `<role>_<table>`."""
    squashed = squash(words)
    for other in others:
        if len(other.key) != 1:
            continue
        key = other.column(other.key[0])
        key_words, subject = labels.columns[other.name, key.name], labels.tables[other.name]
        full = key_words if key_words[: len(subject)] == subject else (*subject, *key_words)
        endings = [squash(full), squash(subject)]
        short = next((name for name, table in labels.short.items() if table == other.name), "")
        if short:
            endings.append(squash((short, *key_words)))
        if squashed in endings:
            yield other, key, ""
            continue
        # A number that merely ends in a table's name may measure it: `ground_fare`.
        told = endings if column.kind == "text" else endings[:1] + endings[2:]
        for ending in told:
            if len(ending) > 3 and squashed.endswith(ending):
                yield other, key, squashed.removesuffix(ending)
                break


def _contained(column: Column, key: Column) -> bool:
    """No value contradicts the link. Values of numbers are not at hand, so names decide."""
    if column.values is None or key.values is None or not column.values:
        return True
    known = {value.lower() for value in key.values}
    return sum(value.lower() in known for value in column.values) >= 0.5 * len(column.values)
