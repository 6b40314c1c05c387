"""Metadata filters: one grammar for every backend, with `matches` as its reference meaning.

A stored value of another type never matches and is no error. An absent key matches no positive
operator; `ne`, `nin` and `Not` are exact complements, so they do match.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

MetadataValue = str | int | float | bool | Sequence[str]
Operator = Literal[
    "eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains", "exists", "prefix"
]


@dataclass(frozen=True, slots=True)
class Compare:
    """One condition on one metadata key. Keys that start with `$` are built in (`$title`, …)."""

    key: str
    op: Operator
    value: MetadataValue | tuple[MetadataValue, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Conjunction; of nothing, it is true."""

    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Disjunction; of nothing, it is false."""

    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """Exact complement."""

    filter: Filter


Filter = Compare | All | AnyOf | Not
EVERYTHING: Filter = All()


def matches(condition: Filter, metadata: Mapping[str, MetadataValue]) -> bool:
    """Whether a document with this metadata (built-in `$` keys included) satisfies the filter."""
    if isinstance(condition, All):
        return all(matches(part, metadata) for part in condition.filters)
    if isinstance(condition, AnyOf):
        return any(matches(part, metadata) for part in condition.filters)
    if isinstance(condition, Not):
        return not matches(condition.filter, metadata)
    if condition.op == "ne":
        return not _holds("eq", metadata.get(condition.key), condition.value)
    if condition.op == "nin":
        return not _holds("in", metadata.get(condition.key), condition.value)
    if condition.op == "exists":
        return (condition.key in metadata) is bool(condition.value)
    return _holds(condition.op, metadata.get(condition.key), condition.value)


def _kind(value: object) -> str:
    # bool first: it is an int to Python, but not to a user who wrote `true`.
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "list"


def _same(stored: object, wanted: object) -> bool:
    if _kind(stored) != _kind(wanted):
        return False
    if isinstance(stored, Sequence) and not isinstance(stored, str):
        return isinstance(wanted, Sequence) and list(stored) == list(wanted)
    return bool(stored == wanted)


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def _holds(op: str, stored: Any, wanted: Any) -> bool:
    if stored is None:
        return False
    if op == "eq":
        return _same(stored, wanted)
    if op == "in":
        options = wanted if isinstance(wanted, tuple | list) else (wanted,)
        if _kind(stored) == "list":
            return any(item == option for item in stored for option in options)
        return any(_same(stored, option) for option in options)
    if op == "contains":
        return _kind(stored) == "list" and wanted in stored
    if op == "prefix":
        return isinstance(stored, str) and isinstance(wanted, str) and stored.startswith(wanted)
    kind = _kind(stored)
    return kind == _kind(wanted) and kind in ("string", "number") and _ORDER[op](stored, wanted)
