"""Filters as they arrive, to `retrievers.filters`: refused with a pointer, never ignored."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast, get_args

from app.api.limits import printable
from app.api.problems import pointer
from app.domain.errors import Rejected
from retrievers.filters import EVERYTHING, All, AnyOf, Compare, Filter, Not, Operator

MAX_DEPTH = 5
MAX_LEAVES = 64
MAX_VALUES = 1_000
MAX_VALUE_BYTES = 1_024
OPERATORS: frozenset[str] = frozenset(get_args(Operator))
BUILT_IN = frozenset({"$document_id", "$title", "$created_at", "$updated_at", "$media_type"})
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")

Scalar = str | int | float | bool


def parse(value: Any, at: str = "/body/filters") -> Filter:
    """The filter a request means; None and {} mean everything.

    Args:
        value: Decoded JSON, canonical or shorthand at each level.
        at: JSON pointer of the value, for refusals.

    Raises:
        Rejected: `bad-filter`, with the pointer of the offending part.
    """
    if value is None:
        return EVERYTHING
    return _Reader().read(value, at, 1)


class _Reader:
    def __init__(self) -> None:
        self._leaves = 0

    def read(self, value: Any, at: str, depth: int) -> Filter:
        if not isinstance(value, Mapping):
            _refuse("a filter is a JSON object", at)
        if depth > MAX_DEPTH:
            _refuse(f"filters may be nested {MAX_DEPTH} deep", at)
        if "type" not in value:
            return self._shorthand(value, at)
        kind = value["type"]
        if kind in ("and", "or"):
            parts = self._members(value, at, "filters")["filters"]
            if not isinstance(parts, list) or not parts:
                _refuse("a non-empty list of filters is expected", at + "/filters")
            if len(parts) > MAX_LEAVES:
                _refuse(f"a list may hold {MAX_LEAVES} filters", at + "/filters")
            read = tuple(
                self.read(part, f"{at}/filters/{index}", depth + 1)
                for index, part in enumerate(parts)
            )
            return All(read) if kind == "and" else AnyOf(read)
        if kind == "not":
            inner = self._members(value, at, "filter")["filter"]
            return Not(self.read(inner, at + "/filter", depth + 1))
        if not isinstance(kind, str) or kind not in OPERATORS:
            known = ", ".join(sorted(OPERATORS | {"and", "or", "not"}))
            _refuse(f"the type is one of {known}", at + "/type")
        members = self._members(value, at, "key", "value")
        key = _key(members["key"], at + "/key")
        return self._leaf(key, cast(Operator, kind), members["value"], at + "/value")

    def _shorthand(self, value: Mapping[str, Any], at: str) -> Filter:
        leaves: list[Filter] = []
        for key, wanted in value.items():
            place = at + pointer(key)
            op: Operator = "in" if isinstance(wanted, list) else "eq"
            leaves.append(self._leaf(_key(key, place), op, wanted, place))
        if not leaves:
            return EVERYTHING
        return leaves[0] if len(leaves) == 1 else All(tuple(leaves))

    def _leaf(self, key: str, op: Operator, value: Any, at: str) -> Compare:
        self._leaves += 1
        if self._leaves > MAX_LEAVES:
            _refuse(f"a filter may hold {MAX_LEAVES} conditions", at)
        if key in BUILT_IN and not _textual(op, value):
            _refuse(f"{key} is a string", at)
        return Compare(key, op, OPERANDS[op](value, at))

    def _members(self, value: Mapping[str, Any], at: str, *names: str) -> Mapping[str, Any]:
        for name in names:
            if name not in value:
                _refuse(f"the member {name!r} is missing", at)
        for name in value:
            if name not in names and name != "type":
                _refuse("this member is not known here", at + pointer(name))
        return value


def _key(key: Any, at: str) -> str:
    if not isinstance(key, str) or not (KEY.fullmatch(key) or key in BUILT_IN):
        _refuse(f"a key matches {KEY.pattern} or is one of {', '.join(sorted(BUILT_IN))}", at)
    return key


def _textual(op: Operator, value: Any) -> bool:
    if op == "exists":
        return True
    return all(isinstance(v, str) for v in (value if isinstance(value, list) else [value]))


def _scalar(value: Any, at: str) -> Scalar:
    if isinstance(value, str):
        if len(value.encode(errors="replace")) > MAX_VALUE_BYTES:
            _refuse(f"a value may have {MAX_VALUE_BYTES} bytes", at)
        return _text(value, at)
    if not isinstance(value, int | float):  # bool is an int
        _refuse("a string, number or boolean is expected", at)
    if isinstance(value, float) and not math.isfinite(value):
        _refuse("a number is finite", at)
    return value


def _text(value: str, at: str) -> str:
    try:
        return printable(value, at)
    except Rejected as error:
        raise Rejected(error.detail, "bad-filter", at) from error


def _equal(value: Any, at: str) -> Scalar | tuple[str, ...]:
    return _strings(value, at) if isinstance(value, list) else _scalar(value, at)


def _strings(value: list[Any], at: str) -> tuple[str, ...]:
    if len(value) > MAX_VALUES:
        _refuse(f"a list may hold {MAX_VALUES} values", at)
    return tuple(_string(item, f"{at}/{index}") for index, item in enumerate(value))


def _any_of(value: Any, at: str) -> tuple[Scalar, ...]:
    if not isinstance(value, list):
        _refuse("a list of values is expected", at)
    if len(value) > MAX_VALUES:
        _refuse(f"a list may hold {MAX_VALUES} values", at)
    return tuple(_scalar(item, f"{at}/{index}") for index, item in enumerate(value))


def _ordered(value: Any, at: str) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        _refuse("only strings and numbers have an order", at)
    return _scalar(value, at)


def _string(value: Any, at: str) -> str:
    if not isinstance(value, str):
        _refuse("a string is expected", at)
    return str(_scalar(value, at))


def _boolean(value: Any, at: str) -> bool:
    if not isinstance(value, bool):
        _refuse("true or false is expected", at)
    return value


OPERANDS: Mapping[Operator, Callable[[Any, str], Any]] = {
    "eq": _equal,
    "ne": _equal,
    "gt": _ordered,
    "gte": _ordered,
    "lt": _ordered,
    "lte": _ordered,
    "in": _any_of,
    "nin": _any_of,
    "contains": _string,
    "exists": _boolean,
    "prefix": _string,
}


def _refuse(why: str, at: str) -> NoReturn:
    raise Rejected(why, code="bad-filter", at=at)
