"""Reads a catalogue through a read-only connection: schema, row counts, distinct values."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, String, column, func, inspect, select, table, types
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.sql import ColumnElement, TableClause

from retrievers.errors import QueryRefused
from retrievers.sql.catalogue.keys import infer_keys, infer_links
from retrievers.sql.catalogue.labels import label
from retrievers.sql.catalogue.names import split
from retrievers.sql.schema import Catalogue, Column, Dialect, Kind, Link, Table

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?.*")


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How much of a database is looked at.

    Attributes:
        private: Words in a column's name that keep it from being read at all.
    """

    values: int = 10_000
    value_length: int = 64
    counted_rows: int = 100_000
    tables: int = 300
    seconds: float = 30.0
    private: tuple[str, ...] = ("password", "passwd", "pwd", "secret", "salt", "apikey", "ssn")


def read(
    connection: Connection,
    dialect: Dialect,
    allowed: Sequence[str] | None,
    options: ReadingOptions,
) -> Catalogue:
    """The catalogue of the allowed tables (`name` or `schema.name`), of all if None.

    Raises:
        QueryRefused: An allowed table does not exist, or there are none at all or too many.
    """
    end = time.monotonic() + options.seconds
    reader = _Reader(connection, dialect, options, end)
    tables = list(reader.tables(allowed))
    if allowed is None:
        tables = [replace(table, asked=not table.view) for table in tables]
    if not tables:
        raise QueryRefused("the database has no tables that may be read")
    labels = label(tables)
    tables = infer_keys(tables, labels)
    links = infer_links(tables, list(reader.links(tables)), labels)
    return Catalogue(dialect, {t.name: t for t in tables}, tuple(links), fingerprint(tables))


def fingerprint(tables: Sequence[Table]) -> str:
    """Digest of names, types and keys."""
    shape = [[t.schema, t.name, t.key, [[c.name, c.kind] for c in t.columns]] for t in tables]
    return hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:16]


class _Reader:
    def __init__(
        self, connection: Connection, dialect: Dialect, options: ReadingOptions, end: float
    ) -> None:
        self._connection, self._dialect, self._options, self._end = (
            connection,
            dialect,
            options,
            end,
        )
        self._inspector = inspect(connection)
        # Statements name PostgreSQL's schema, so that no search path decides what they read.
        self._home = self._inspector.default_schema_name if dialect == "postgres" else None

    def names(self, allowed: Sequence[str] | None) -> Iterator[tuple[str, str | None, bool]]:
        """Name, schema and whether it is a view."""
        if allowed is None:
            tables = sorted(self._inspector.get_table_names(self._home))
            views = sorted(self._inspector.get_view_names(self._home))
            tables = [name for name in tables if not name.startswith("sqlite_")]
            if len(tables) > self._options.tables:
                raise QueryRefused(
                    f"more than {self._options.tables} tables; name the ones to read in `tables`"
                )
            yield from ((name, self._home, False) for name in tables)
            yield from ((name, self._home, True) for name in views)
            return
        for entry in dict.fromkeys(allowed):
            schema, _, name = entry.rpartition(".")
            if schema and self._dialect != "postgres":
                name, schema = entry, ""
            home = schema or self._home
            tables, views = (
                self._inspector.get_table_names(home),
                self._inspector.get_view_names(home),
            )
            found = _spelling(name, [*tables, *views])
            if found is None:
                raise QueryRefused(f"there is no table {entry}")
            yield found, home, found in views

    def tables(self, allowed: Sequence[str] | None) -> Iterator[Table]:
        """Those that can be read: what a view selects from may be gone."""
        for name, schema, view in self.names(allowed):
            try:
                yield self.table(name, schema, view)
            except OperationalError:
                if not view:
                    raise

    def table(self, name: str, schema: str | None, view: bool) -> Table:
        """One table with everything but links."""
        described = self._inspector.get_columns(name, schema)
        columns = [
            Column(
                str(item["name"]),
                _kind(item["type"]),
                isinstance(item["type"], types.Integer),
                bool(item.get("nullable", True)),
                comment=str(item.get("comment") or ""),
            )
            for item in described
            if not self._private(str(item["name"]))
        ]
        key = tuple(self._inspector.get_pk_constraint(name, schema)["constrained_columns"])
        source = table(name, *(column(c.name) for c in columns), schema=schema)
        rows = self._count(source) if not view else 0
        columns = self._uniqueness(source, columns, rows, key)
        whole = not view and rows <= self._options.counted_rows
        columns = [self._values(source, c, whole) for c in columns]
        return Table(
            name,
            tuple(columns),
            schema,
            tuple(k for k in key if k in {c.name for c in columns}),
            self._comment(name, schema),
            rows,
            view,
        )

    def links(self, tables: Sequence[Table]) -> Iterator[Link]:
        """Declared foreign keys between the tables."""
        names = {t.name: t for t in tables}
        for t in tables:
            if t.view:
                continue
            for key in self._inspector.get_foreign_keys(t.name, t.schema):
                target = _spelling(str(key["referred_table"]), list(names))
                own = tuple(key["constrained_columns"])
                theirs = tuple(key["referred_columns"]) or (names[target].key if target else ())
                if target and len(own) == len(theirs):
                    yield Link(t.name, own, target, theirs, _role(own, target, theirs))

    def _private(self, name: str) -> bool:
        words = split(name)
        return any(word in self._options.private for word in (*words, "".join(words)))

    def _comment(self, name: str, schema: str | None) -> str:
        try:
            return str(self._inspector.get_table_comment(name, schema)["text"] or "")
        except NotImplementedError:
            return ""

    def _count(self, source: TableClause) -> int:
        some = select(1).select_from(source).limit(self._options.counted_rows + 1).subquery()
        return int(self._connection.execute(select(func.count()).select_from(some)).scalar_one())

    def _uniqueness(
        self, source: TableClause, columns: list[Column], rows: int, key: tuple[str, ...]
    ) -> list[Column]:
        columns = [replace(c, unique=key == (c.name,)) for c in columns]
        if not rows or rows > self._options.counted_rows or self._late():
            return columns
        kinds = ("text",) if key else ("text", "number")
        asked = [c for c in columns if c.kind in kinds and not c.unique]
        if not asked:
            return columns
        try:
            unique = self._distinct(source, asked, rows)
        except DataError:
            unique = set()
            for c in asked:
                with suppress(DataError):  # one that holds a value too big to be compared
                    unique |= self._distinct(source, [c], rows)
        return [replace(c, unique=c.unique or c.name in unique) for c in columns]

    def _distinct(self, source: TableClause, columns: Sequence[Column], rows: int) -> set[str]:
        """Names of the columns in which no value stands twice."""
        counts = self._connection.execute(
            select(*(func.count(source.c[c.name].distinct()) for c in columns))
        ).one()
        return {c.name for c, count in zip(columns, counts, strict=True) if count == rows}

    def _values(self, source: TableClause, c: Column, whole: bool) -> Column:
        """The column with its distinct values; of a large table or a view, those found soon."""
        if c.kind != "text" or self._late():
            return c
        wanted: ColumnElement[Any] = source.c[c.name]
        if not whole:
            some = select(wanted).limit(self._options.counted_rows).subquery()
            wanted = some.c[c.name]
        length = func.length(wanted) if self._dialect == "sqlite" else func.char_length(wanted)
        query = select(wanted.cast(String) if self._dialect == "postgres" else wanted).distinct()
        query = query.where(wanted.is_not(None), length <= self._options.value_length)
        try:
            found = self._connection.execute(query.limit(self._options.values + 1)).scalars().all()
        except DataError:
            return c  # SQLite hands out no value beyond its limit, not even for its length
        if len(found) > self._options.values:
            return c
        values = tuple(sorted(str(value) for value in found if str(value).strip()))
        return replace(c, values=values, kind=_refine(values))

    def _late(self) -> bool:
        return time.monotonic() > self._end


def _spelling(name: str, names: Sequence[str]) -> str | None:
    if name in names:
        return name
    alike = [other for other in names if other.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _role(own: tuple[str, ...], target: str, theirs: tuple[str, ...]) -> str:
    """What a link's column says beyond the target: `reports_to`, `from_airport`."""
    if len(own) != 1:
        return ""
    told = {*split(target), *split(theirs[0]), "id", target.lower().rstrip("s")}
    return " ".join(word for word in split(own[0]) if word not in told)


def _kind(declared: types.TypeEngine[Any]) -> Kind:
    small = type(declared).__name__.upper() == "TINYINT"
    if isinstance(declared, types.Boolean) or (small and _width(declared) == 1):
        return "boolean"
    if isinstance(declared, types.DateTime):
        return "datetime"
    if isinstance(declared, types.Date):
        return "date"
    if isinstance(declared, types.Numeric | types.Float | types.Integer):
        return "number"
    if isinstance(declared, types.Enum | types.String | types.Uuid):
        return "text"
    name = type(declared).__name__.upper()
    if name == "BIT":
        return "boolean"
    return "text" if name in ("CITEXT", "NULLTYPE") else "other"


def _width(declared: types.TypeEngine[Any]) -> int:
    """MariaDB's BOOLEAN is a TINYINT of width 1."""
    return int(getattr(declared, "display_width", None) or 0)


def _refine(values: tuple[str, ...]) -> Kind:
    """Text that holds nothing but ISO dates is dates; that holds yes and no is still text."""
    if values and all(_ISO_DATE.fullmatch(value) for value in values):
        return "date"
    if values and all(_ISO_DATETIME.fullmatch(value) for value in values):
        return "datetime"
    return "text"
