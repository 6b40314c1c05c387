"""Quantities, names and countries."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.engine.operators.countries import countries, labels
from app.engine.operators.names import distinct, listed, same
from app.engine.operators.quantities import Quantity, quantities


def one(text: str) -> Quantity:
    (found,) = quantities(text)
    return found.quantity


def test_units_are_brought_to_one_measure() -> None:
    assert one("3 km").comparable(one("300 m"))
    assert one("300 m").below(one("3 km"))
    assert one("26,781 ft").low == pytest.approx(Decimal("8162.8"), abs=Decimal("0.1"))
    assert one("5 square miles").dimension == one("12 km²").dimension == "area"
    assert not one("3 km").comparable(one("3 kg"))
    assert not one("$3").comparable(one("£3"))


def test_a_rounded_number_is_an_interval_and_a_full_one_is_not() -> None:
    assert (one("1.2 million").low, one("1.2 million").high) == (1_150_000, 1_250_000)
    assert one("12,500").exact
    assert not one("1.2 million").below(one("1,210,000"))
    assert one("1.2 million").below(one("1.4 million"))
    assert one("about 100").high == 110
    assert one("4,000\u20135,000 people").high == 5_000


def test_what_is_counted_must_be_the_same() -> None:
    assert one("twenty-five boats").comparable(one("12 boats"))
    assert one("25").comparable(one("12 boats"))
    assert one("300 inhabitants").comparable(one("400 people"))
    assert not one("25 boats").comparable(one("12 songs"))


@pytest.mark.parametrize(
    ("first", "other", "alike"),
    [
        ("Paul Smith", "Paul J. Smith", True),
        ("P. Smith", "Paul Smith", True),
        ("Žižka", "ZIZKA", True),
        ("The Skarn Tarn", "skarn tarn (lake)", True),
        ("Kell", "Kell, Norland", True),
        ("Kell", "Bay of Kell", False),
        ("Long Sedge", "West Long Sedge", False),
        ("Ada Bell", "Ada Bell Jr.", False),
        ("Kell, Norland", "Kell, Sudland", False),
        ("", "", False),
    ],
)
def test_aliases(first: str, other: str, alike: bool) -> None:
    assert same(first, other) is alike
    assert same(other, first) is alike


def test_lists() -> None:
    assert listed("Ada Bell, Bo Quill and the Venns") == ("Ada Bell", "Bo Quill", "the Venns")
    assert distinct(["Ada Bell", "Bo Quill", "Ada M. Bell"]) == ["Ada Bell", "Bo Quill"]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("American", {"United States"}),
        ("United States", {"United States"}),
        ("Greek- American", {"Greece", "United States"}),
        ("Ottawa, Ontario, Canada", {"Canada"}),
        ("Scottish", {"United Kingdom"}),
        ("Norland", set()),
        ("us", set()),
    ],
)
def test_countries_by_name_and_adjective(text: str, known: set[str]) -> None:
    assert countries(text) == known


def test_descent_and_language_are_no_nationality() -> None:
    text = "a Russian-born French writer of Irish descent in the English language"
    assert [label.country for label in labels(text)] == ["France"]
