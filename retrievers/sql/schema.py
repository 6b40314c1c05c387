"""What a database says of itself: tables, columns, keys, links between tables, and its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Dialect = Literal["sqlite", "postgres", "mysql"]
"""As sqlglot names them; MariaDB speaks `mysql`."""
Kind = Literal["text", "number", "boolean", "date", "datetime", "other"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table or view.

    Attributes:
        kind: What its values mean; text columns that hold ISO dates count as dates.
        whole: Numbers without a fraction.
        unique: No value stands in two rows (declared, or seen in the data of a small table).
        values: Distinct short values of a text column; None where they are not indexed.
    """

    name: str
    kind: Kind
    whole: bool = False
    nullable: bool = True
    unique: bool = False
    comment: str = ""
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view that may be read.

    Attributes:
        schema: Named in every statement where the dialect has schemas, else None.
        key: Columns that identify a row, declared or inferred; may be empty.
        rows: Number of rows, counted up to a bound.
        asked: Questions look at it; at views only where their owner lists them.
    """

    name: str
    columns: tuple[Column, ...]
    schema: str | None = None
    key: tuple[str, ...] = ()
    comment: str = ""
    rows: int = 0
    view: bool = False
    asked: bool = True

    def column(self, name: str) -> Column:
        """By exact name.

        Raises:
            KeyError: Unknown.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key, declared or inferred from names and values.

    Attributes:
        role: What the name adds to the target's (`from_airport` → "from"); empty for a plain one.
    """

    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    role: str = ""
    declared: bool = True


@dataclass(frozen=True)
class Catalogue:
    """Everything known of one source. Tables are keyed by the name used in statements.

    Attributes:
        fingerprint: Digest of names and types; another one means another schema.
    """

    dialect: Dialect
    tables: Mapping[str, Table]
    links: tuple[Link, ...]
    fingerprint: str

    @cached_property
    def by_lower_name(self) -> Mapping[str, Table]:
        """Tables by lower-case name; names that differ in case only are left out."""
        found: dict[str, Table | None] = {}
        for name, table in self.tables.items():
            found[name.lower()] = None if name.lower() in found else table
        return {name: table for name, table in found.items() if table is not None}
