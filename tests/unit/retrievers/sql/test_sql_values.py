from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievers.sql.values import LONGEST_TEXT, scalar, take


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**60, str(2**60)),
        (1.5, 1.5),
        (math.inf, "inf"),
        (Decimal("9.75"), 9.75),
        (Decimal("3.00"), 3),
        (Decimal("0.1234567890123456789"), 0.12345678901234568),
        (Decimal("12345678901234567.89"), "12345678901234567.89"),
        (Decimal("NaN"), "NaN"),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 1, 2, tzinfo=UTC), "2024-02-29T01:02:00+00:00"),
        (time(1, 2, 3), "01:02:03"),
        (timedelta(minutes=2), 120.0),
        (b"\x00\xff", "AP8="),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({"b": 1, "a": [2]}, '{"a": [2], "b": 1}'),
        (complex(1, 2), "(1+2j)"),
    ],
)
def test_values_become_json_scalars_without_loss_of_meaning(value: object, safe: object) -> None:
    assert scalar(value) == safe
    json.dumps(scalar(value), allow_nan=False)


def test_long_text_is_cut_and_says_so() -> None:
    cut = scalar("x" * (LONGEST_TEXT + 5))
    assert isinstance(cut, str)
    assert len(cut) == LONGEST_TEXT + 1
    assert cut.endswith("…")


def test_rows_end_at_the_cap_and_say_that_there_were_more() -> None:
    rows = [(number,) for number in range(5)]
    assert take(rows, 3, 10_000) == ([(0,), (1,), (2,)], True)
    assert take(rows, 5, 10_000) == (rows, False)


def test_rows_end_before_the_size_is_passed() -> None:
    rows = [("x" * 100,)] * 10
    taken, more = take(rows, 10, 350)
    assert len(taken) == 3
    assert more


@given(st.lists(st.tuples(st.one_of(st.text(), st.integers(), st.floats(), st.binary()))))
def test_whatever_comes_is_json_and_within_the_limits(rows: list[tuple[object]]) -> None:
    taken, _ = take(rows, 4, 200)
    assert len(taken) <= 4
    assert len(json.dumps(taken, ensure_ascii=False, allow_nan=False)) <= 200 + 4 * 8
