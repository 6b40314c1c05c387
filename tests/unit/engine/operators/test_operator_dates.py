"""Dates as intervals."""

from __future__ import annotations

import pytest

from app.engine.operators.dates import Day, When, dates, whole_months, whole_years


def one(text: str) -> When:
    (found,) = dates(text)
    return found.when


@pytest.mark.parametrize(
    "text",
    ["3 May 1912", "May 3, 1912", "3rd of May, 1912", "1912-05-03", "May 3 1912", "3 MAY 1912"],
)
def test_a_day_is_one_day_however_it_is_written(text: str) -> None:
    assert one(text) == When(Day(1912, 5, 3), Day(1912, 5, 3))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1912", (1912, 1, 1), (1912, 12, 31)),
        ("June 1912", (1912, 6, 1), (1912, 6, 30)),
        ("1912-02", (1912, 2, 1), (1912, 2, 29)),
        ("the 1920s", (1920, 1, 1), (1929, 12, 31)),
        ("the 1900s", (1900, 1, 1), (1999, 12, 31)),
        ("1912/13", (1912, 1, 1), (1913, 12, 31)),
        ("19th century", (1800, 1, 1), (1900, 12, 31)),
        ("the nineteenth century", (1800, 1, 1), (1900, 12, 31)),
        ("44 BC", (-43, 1, 1), (-43, 12, 31)),
        ("5th century BC", (-499, 1, 1), (-400, 12, 31)),
        ("AD 79", (79, 1, 1), (79, 12, 31)),
        ("876", (876, 1, 1), (876, 12, 31)),
        ("c. 1912", (1907, 1, 1), (1917, 12, 31)),
        ("1912?", (1907, 1, 1), (1917, 12, 31)),
        ("03/05/1912", (1912, 3, 5), (1912, 5, 3)),
        ("13/05/1912", (1912, 5, 13), (1912, 5, 13)),
    ],
)
def test_a_coarser_date_is_all_days_it_may_be(
    text: str, first: tuple[int, int, int], last: tuple[int, int, int]
) -> None:
    assert one(text) == When(Day(*first), Day(*last))


def test_before_and_after_have_no_other_end() -> None:
    assert not one("before 1912").before(one("1900"))
    assert one("before 1912").before(one("1913"))
    assert not one("1950").before(one("after 1912"))
    assert one("1911").before(one("after 1912"))


def test_measures_and_impossible_days_are_no_dates() -> None:
    assert dates("1500 m, 1,912 people, 1912 km and 1999%") == []
    assert one("30 February 1912").precision == "month"  # the day is a slip, the month is said


def test_dates_that_lost_the_dash_between_them_are_two() -> None:
    found = [dated.when.first for dated in dates("(October 4, 1916May 5, 2002)")]
    assert found == [(1916, 10, 4), (2002, 5, 5)]
    found = [dated.when.first for dated in dates("(28 October 19133 June 1996)")]
    assert found == [(1913, 10, 28), (1996, 6, 3)]


def test_years_and_months_are_counted_when_they_are_full() -> None:
    assert whole_years(Day(1912, 5, 3), Day(1980, 5, 2)) == 67
    assert whole_years(Day(1912, 5, 3), Day(1980, 5, 3)) == 68
    assert whole_months(Day(1912, 5, 3), Day(1912, 8, 2)) == 2
    assert Day(2000, 3, 1).number - Day(2000, 2, 28).number == 2
    assert Day(1900, 3, 1).number - Day(1900, 2, 28).number == 1
