from __future__ import annotations

from datetime import date

import pytest

from retrievers.sql.questions.language.dates import Span, read_date, shift
from retrievers.sql.questions.language.words import spelled, tokens

TODAY = date(2026, 5, 20)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "first", "end"),
    [
        ("2023", date(2023, 1, 1), date(2024, 1, 1)),
        ("2023-02-28", date(2023, 2, 28), date(2023, 3, 1)),
        ("March 2021", date(2021, 3, 1), date(2021, 4, 1)),
        ("Dec 2021", date(2021, 12, 1), date(2022, 1, 1)),
        ("Jan 31, 2023", date(2023, 1, 31), date(2023, 2, 1)),
        ("31 January 2023", date(2023, 1, 31), date(2023, 2, 1)),
        ("Q4 2022", date(2022, 10, 1), date(2023, 1, 1)),
        ("first quarter of 2023", date(2023, 1, 1), date(2023, 4, 1)),
        ("last 30 days", date(2026, 4, 20), None),
        ("past three months", date(2026, 2, 20), None),
        ("last 10 years", date(2016, 5, 20), None),
        ("this year", date(2026, 1, 1), date(2027, 1, 1)),
        ("last month", date(2026, 4, 1), date(2026, 5, 1)),
        ("last week", date(2026, 5, 11), date(2026, 5, 18)),
        ("last quarter", date(2026, 1, 1), date(2026, 4, 1)),
        ("yesterday", date(2026, 5, 19), date(2026, 5, 20)),
    ],
)
def test_time_expressions_are_spans_of_days(
    text: str, first: date | None, end: date | None
) -> None:
    row = tokens(text)
    found = read_date(row, 0, TODAY)
    assert found is not None
    span, used = found
    assert (span.first, span.end) == (first, end)
    assert used == len(row)


@pytest.mark.parametrize("text", ["may", "12", "99999", "last name", "this ship", "2023-02-31"])
def test_other_words_are_no_time(text: str) -> None:
    assert read_date(tokens(text), 0, TODAY) is None


def test_a_month_without_a_year_is_a_month_of_any_year() -> None:
    assert read_date(tokens("January"), 0, TODAY) == (Span(None, None, None, 1), 1)


def test_shifting_by_months_stays_inside_the_month() -> None:
    assert shift(date(2024, 3, 31), -1) == date(2024, 2, 29)
    assert shift(date(2023, 11, 30), 3) == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("words", "number", "used"),
    [
        ("three ships", 3, 1),
        ("twenty one ships", 21, 2),
        ("a hundred thousand tons", 100_000, 3),
        ("two million", 2_000_000, 2),
        ("one hundred and five", 105, 4),
    ],
)
def test_numbers_in_words(words: str, number: float, used: int) -> None:
    assert spelled(words.split()) == (number, used)


def test_plain_words_are_no_numbers() -> None:
    assert spelled(["ships", "and"]) is None
    assert spelled(["a", "ship"]) is None
