"""How tables and columns are called, in words, for one catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrievers.sql.catalogue.names import COMMON, common_prefix, cut, expand, singular, split
from retrievers.sql.schema import Table


@dataclass(frozen=True, slots=True)
class Labels:
    """Words of names, prefixes that say nothing removed and abbreviations written out.

    Attributes:
        tables: Words of each table's name (`sbDailyPrice` → daily, price).
        columns: Words of each column's name by (table, column) (`sbCustJoinDate` → join, date).
        short: Abbreviations that stand for a table inside column names (`cust` → sbCustomer).
    """

    tables: Mapping[str, tuple[str, ...]]
    columns: Mapping[tuple[str, str], tuple[str, ...]]
    short: Mapping[str, str]


def label(tables: Sequence[Table]) -> Labels:
    """Read the names of a schema together: they explain each other."""
    raw = {table.name: _parts(table.name) for table in tables}
    prefix = common_prefix(list(raw.values()))
    bare = {name: words[prefix:] for name, words in raw.items()}
    known = COMMON | {singular(word) for words in bare.values() for word in words if len(word) > 2}
    parts = {
        (table.name, column.name): _parts(column.name)
        for table in tables
        for column in table.columns
    }
    known |= {word for words in parts.values() if len(words) > 1 for word in words if len(word) > 2}
    names = {
        name: expand([piece for word in words for piece in cut(word, known - {word})])
        for name, words in bare.items()
    }
    columns: dict[tuple[str, str], tuple[str, ...]] = {}
    short: dict[str, str] = {}
    for table in tables:
        of_table = [parts[table.name, column.name] for column in table.columns]
        shared = common_prefix(of_table)
        if shared:
            short["".join(of_table[0][prefix:shared])] = table.name
        for column, words in zip(table.columns, of_table, strict=True):
            own = words[shared:] if len(words) > shared else words
            pieces = [piece for word in own for piece in cut(word, known - {word})]
            columns[table.name, column.name] = _key_letters(table, names, expand(pieces))
    return Labels(names, columns, short)


def _parts(name: str) -> tuple[str, ...]:
    """Never empty: a name of nothing but signs is one part."""
    return split(name) or (name or "_",)


def _key_letters(
    table: Table, names: Mapping[str, tuple[str, ...]], words: tuple[str, ...]
) -> tuple[str, ...]:
    """`aid` in author is its id."""
    if len(words) == 1 and words[0].endswith("id") and len(words[0]) in (3, 4):
        own, letters = names[table.name], words[0][:-2]
        initials = "".join(word[0] for word in own)
        if letters == initials or (len(own) == 1 and own[0].startswith(letters)):
            return (*names[table.name], "id")
    return words
