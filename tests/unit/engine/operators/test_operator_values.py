"""Dates, numbers, names and countries as operators read them."""

from __future__ import annotations

import pytest

from app.engine.operators import dates, names, numbers
from app.engine.operators.countries import countries, is_country


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1912", (1912, 1, 1), (1912, 12, 31)),
        ("May 1912", (1912, 5, 1), (1912, 5, 31)),
        ("February 1912", (1912, 2, 1), (1912, 2, 29)),
        ("3 May 1912", (1912, 5, 3), (1912, 5, 3)),
        ("3rd of May, 1912", (1912, 5, 3), (1912, 5, 3)),
        ("May 3, 1912", (1912, 5, 3), (1912, 5, 3)),
        ("1912-05-03", (1912, 5, 3), (1912, 5, 3)),
        ("the 1920s", (1920, 1, 1), (1929, 12, 31)),
        ("18th century", (1701, 1, 1), (1800, 12, 31)),
        ("late 18th century", (1768, 1, 1), (1800, 12, 31)),
        ("c. 1912", (1907, 1, 1), (1917, 12, 31)),
        ("44 BC", (-44, 1, 1), (-44, 12, 31)),
        ("3rd century BC", (-300, 1, 1), (-201, 12, 31)),
        ("AD 79", (79, 1, 1), (79, 12, 31)),
        ("987", (987, 1, 1), (987, 12, 31)),
    ],
)
def test_a_date_is_an_interval(text: str, first: dates.Day, last: dates.Day) -> None:
    found = dates.parse(text)
    assert found is not None
    assert (found.first, found.last) == (first, last)


@pytest.mark.parametrize("text", ["", "12,500", "31 April 1912", "1912 or 1920", "no date", "0"])
def test_what_is_not_one_date(text: str) -> None:
    assert dates.parse(text) is None


def test_the_most_exact_of_agreeing_dates_is_read() -> None:
    found = dates.parse("in 1912, on 3 May 1912")
    assert found is not None
    assert found.precision == "day"


def test_overlapping_dates_have_no_order() -> None:
    year, day, next_year = (dates.parse(text) for text in ("1912", "3 May 1912", "1913"))
    assert year is not None
    assert day is not None
    assert next_year is not None
    assert not year.before(day)
    assert not day.before(year)
    assert day.before(next_year)


@pytest.mark.parametrize(
    ("one", "other", "years"),
    [
        ("1912", "1920", 8),
        ("3 May 1912", "2 May 1920", 7),
        ("May 1912", "3 May 1920", 8),
        ("10 BC", "AD 10", 19),
        ("1920s", "1930", None),
    ],
)
def test_years_between(one: str, other: str, years: int | None) -> None:
    a, b = dates.parse(one), dates.parse(other)
    assert a is not None
    assert b is not None
    assert dates.years_between(a, b) == dates.years_between(b, a) == years


@pytest.mark.parametrize(
    ("text", "value", "dimension"),
    [
        ("12,500", 12_500, ""),
        ("1.2 million", 1_200_000, ""),
        ("about 300 people", 300, ""),
        ("twenty-five thousand", 25_000, ""),
        ("three hundred and five", 305, ""),
        ("3 km", 3_000, "length"),
        ("300 m (984 ft)", 300, "length"),
        ("5 ft 11 in", 1.8034, "length"),
        ("4 square kilometres", 4e6, "area"),
        ("$3 million", 3e6, "dollars"),
        ("12 %", 12, "share"),
        ("\u22123", -3, ""),
    ],
)
def test_a_number_is_brought_to_one_unit(text: str, value: float, dimension: str) -> None:
    found = numbers.number(text)
    assert found is not None
    assert found.value == pytest.approx(value)
    assert found.dimension == dimension


@pytest.mark.parametrize("text", ["", "many", "3 or 4", "3 km or 5 km", "9" * 400])
def test_what_is_not_one_number(text: str) -> None:
    assert numbers.number(text) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Paul Smith", "Paul J. Smith", True),
        ("José Añez", "jose anez", True),
        ("The Gate (film)", "Gate", True),
        ("Dog's Heart", "Dog\u2019S Heart", True),
        ("Smith", "Paul Smith", False),
        ("Smith Paul", "Paul J. Smith", False),
        ("Paul Smith", "Ann Smith", False),
        ("", "", False),
    ],
)
def test_names_and_aliases(one: str, other: str, same: bool) -> None:
    assert names.same(one, other) is names.same(other, one) is same


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("American", {"united states"}),
        ("the U.S.", {"united states"}),
        ("German-born American", {"united states"}),
        ("Italian-German", {"italy", "germany"}),
        ("Lebanon, Ohio", {"united states"}),
        ("Sydney, New South Wales", {"australia"}),
        ("let us go", set()),
        ("Norland", set()),
    ],
)
def test_countries_by_name_and_adjective(text: str, found: set[str]) -> None:
    assert countries(text) == found


def test_a_name_that_holds_a_country_is_none() -> None:
    assert is_country("the Netherlands")
    assert is_country("US")
    assert not is_country("the Iraq War")
