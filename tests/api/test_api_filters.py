"""Filters as they arrive: read exactly, or refused with a pointer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.filters import parse
from app.domain.errors import Rejected
from retrievers.filters import EVERYTHING, All, AnyOf, Compare, Not, matches


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        (None, EVERYTHING),
        ({}, EVERYTHING),
        ({"lang": "en"}, Compare("lang", "eq", "en")),
        (
            {"lang": "en", "year": 2020},
            All((Compare("lang", "eq", "en"), Compare("year", "eq", 2020))),
        ),
        ({"year": [1, 2]}, Compare("year", "in", (1, 2))),
        ({"type": "eq", "key": "type", "value": "memo"}, Compare("type", "eq", "memo")),
        ({"type": "eq", "key": "tags", "value": ["a"]}, Compare("tags", "eq", ("a",))),
        ({"type": "gte", "key": "year", "value": 1.5}, Compare("year", "gte", 1.5)),
        ({"type": "exists", "key": "a.b-c", "value": False}, Compare("a.b-c", "exists", False)),
        ({"type": "prefix", "key": "$title", "value": "A"}, Compare("$title", "prefix", "A")),
        ({"type": "nin", "key": "a", "value": []}, Compare("a", "nin", ())),
        (
            {"type": "or", "filters": [{"a": True}, {"type": "not", "filter": {"b": "x"}}]},
            AnyOf((Compare("a", "eq", True), Not(Compare("b", "eq", "x")))),
        ),
        ({"type": "and", "filters": [{}]}, All((EVERYTHING,))),
    ],
)
def test_a_filter_is_read(value: Any, meaning: Any) -> None:
    assert parse(value) == meaning


def nested(depth: int) -> dict[str, Any]:
    return {"a": 1} if depth == 1 else {"type": "not", "filter": nested(depth - 1)}


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ([], ""),
        ("x", ""),
        ({"type": "like", "key": "a", "value": "b"}, "/type"),
        ({"type": 1}, "/type"),
        ({"type": "eq", "key": "a"}, ""),
        ({"type": "eq", "value": "a"}, ""),
        ({"type": "eq", "key": "a", "value": "b", "extra": 1}, "/extra"),
        ({"type": "eq", "key": "9a", "value": "b"}, "/key"),
        ({"type": "eq", "key": "$owner", "value": "b"}, "/key"),
        ({"type": "eq", "key": "a" * 65, "value": "b"}, "/key"),
        ({"type": "eq", "key": 1, "value": "b"}, "/key"),
        ({"type": "eq", "key": "a", "value": None}, "/value"),
        ({"type": "eq", "key": "a", "value": {}}, "/value"),
        ({"type": "eq", "key": "a", "value": [1]}, "/value/0"),
        ({"type": "eq", "key": "a", "value": float("nan")}, "/value"),
        ({"type": "eq", "key": "a", "value": "x" * 1025}, "/value"),
        ({"type": "eq", "key": "a", "value": "\x00"}, "/value"),
        ({"type": "eq", "key": "a", "value": "\ud800"}, "/value"),
        ({"type": "gt", "key": "a", "value": [1]}, "/value"),
        ({"type": "gt", "key": "a", "value": True}, "/value"),
        ({"type": "in", "key": "a", "value": "x"}, "/value"),
        ({"type": "in", "key": "a", "value": [None]}, "/value/0"),
        ({"type": "in", "key": "a", "value": list(range(1001))}, "/value"),
        ({"type": "contains", "key": "a", "value": 1}, "/value"),
        ({"type": "exists", "key": "a", "value": "yes"}, "/value"),
        ({"type": "prefix", "key": "a", "value": 1}, "/value"),
        ({"type": "eq", "key": "$title", "value": 1}, "/value"),
        ({"type": "and", "filters": []}, "/filters"),
        ({"type": "and", "filters": {"a": 1}}, "/filters"),
        ({"type": "and", "filters": [{"a": {}}]}, "/filters/0/a"),
        ({"type": "and", "filters": [{}] * 65}, "/filters"),
        ({"type": "not", "filters": [{}]}, ""),
        ({"a/b": 1}, "/a~1b"),
        ({f"k{i}": i for i in range(65)}, "/k64"),
        (nested(6), "/filter" * 5),
    ],
)
def test_what_cannot_be_applied_is_refused_with_its_place(value: Any, at: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse(value)
    assert refused.value.code == "bad-filter"
    assert refused.value.at == "/body/filters" + at


def test_the_limits_themselves_are_allowed() -> None:
    parse(nested(5))
    parse({f"k{i}": i for i in range(64)})
    parse({"type": "in", "key": "a", "value": list(range(1000))})
    parse({"a": "x" * 1024})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "key", "value", "filter", "filters", "lang"]),
            inner,
            max_size=4,
        )
        | st.fixed_dictionaries(
            {
                "type": st.sampled_from(["and", "or", "eq", "in", "gt", "not"]),
                "key": st.just("lang"),
            }
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_either_read_or_refused(value: Any) -> None:
    try:
        found = parse(value)
    except Rejected:
        return
    matches(found, {"lang": "en", "$title": "T"})
