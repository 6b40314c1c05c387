"""Typed values that are read from passages without a model."""

from __future__ import annotations

import pytest

from app.domain.plan import Expects
from app.engine.steps.extract import Extract, extract
from tests.answering import chunk, hits

_PAGES = {
    "Ada Bell": "Ada Bell (3 May 1912 \u2013 4 June 1980) was a Norlandish-born American painter.",
    "Ulf Stone": "Ulf Stone( born January 9, 1950 in Norcity) is a Welsh actor and singer.",
    "The Red Gate (film)": "The Red Gate is a 1920 French silent film directed by Ulf Stone.",
    "Harl Works": "Harl Works is a maker of bells. The company was founded in Norcity in 1871.",
    "Esk": "Esk is a village in the Tarn district of Norland. It has 1,204 inhabitants.",
    "Ree Tower": "Ree Tower is a tower located in Norcity, Norland. It was opened in May 1931.",
}


def _read(text: str, expects: Expects, *titles: str) -> Extract | None:
    pages = [chunk(f"d{n}", _PAGES[title], title) for n, title in enumerate(titles or _PAGES)]
    return extract(text, expects, hits(*pages))


@pytest.mark.parametrize(
    ("text", "expects", "value"),
    [
        ("was born later Ada Bell", "date", "3 May 1912"),
        ("the date of birth of Ulf Stone", "date", "January 9, 1950"),
        ("died earlier Ada Bell", "date", "4 June 1980"),
        ("film was released first The Red Gate", "date", "1920"),
        ("company is older Harl Works", "date", "1871"),
        ("When was Ree Tower opened", "date", "May 1931"),
        ("lived longer Ada Bell", "number", "3 May 1912 \u2013 4 June 1980"),
        ("Ada Bell share the same nationality", "place", "American"),
        ("Ulf Stone from the same country", "place", "Welsh"),
        ("The Red Gate (film) from the same country", "place", "French"),
        ("Esk located in the same country", "place", "Norland"),
        ("where is Ree Tower located", "place", "Norcity, Norland"),
        ("the occupation of Ulf Stone", "text", "actor and singer"),
    ],
)
def test_sentences_of_fixed_form(text: str, expects: Expects, value: str) -> None:
    found = _read(text, expects)
    assert found is not None
    assert (found.text, found.support >= 0.6) == (value, True)


def test_a_value_is_held_by_the_sentence_that_is_picked() -> None:
    found = _read("company is older Harl Works", "date")
    assert found is not None
    assert found.pick.chunk.title == "Harl Works"
    assert found.text in found.pick.chunk.text[found.pick.start : found.pick.end]


def test_a_passage_about_another_name_supports_little() -> None:
    found = _read("was born later Ada Bell", "date", "Ulf Stone", "Harl Works")
    assert found is None or found.support < 0.35


def test_whether_something_holds() -> None:
    yes = _read("Ada Bell painter", "bool")
    assert yes is not None
    assert yes.text == "yes"
    no = _read("Ulf Stone american", "bool")
    assert no is not None
    assert no.text == "no"
    assert _read("Ulf Stone painter", "bool") is None


def test_two_values_as_good_as_each_other_support_half() -> None:
    one = chunk("a", "Ada Bell (born 3 May 1912) was a painter.", "Ada Bell")
    other = chunk("b", "Ada Bell (born 9 July 1941) was a singer.", "Ada Bell")
    alone = extract("the birth of Ada Bell", "date", hits(one))
    both = extract("the birth of Ada Bell", "date", hits(one, other))
    assert alone is not None
    assert both is not None
    assert both.support == pytest.approx(alone.support / 2)


def test_the_more_exact_of_two_agreeing_dates_is_the_value() -> None:
    page = chunk("a", "Gate is a 1920 film. It was released on 3 May 1920 in Norland.", "Gate")
    found = extract("film was released first Gate", "date", hits(page))
    assert found is not None
    assert found.text == "3 May 1920"


def test_nothing_is_read_from_nothing() -> None:
    assert extract("was born later Ada Bell", "date", []) is None
    assert extract("", "text", hits(chunk("a", "Gate is red.", "Gate"))) is None


def test_a_title_that_is_part_of_a_longer_name_supports_little() -> None:
    page = chunk("a", "Boat is a 1920 film.", "Boat")
    part = extract("film was released first Jazz Boat", "date", hits(page))
    whole = extract("film was released first Boat", "date", hits(page))
    assert part is None or part.support < 0.35
    assert whole is not None
    assert whole.support >= 0.6


def test_a_number_is_read_with_its_unit() -> None:
    page = chunk("a", "Mount Esk is a mountain in Norland with a height of 2,310 m.", "Mount Esk")
    found = extract("mountain is higher Mount Esk", "number", hits(page))
    assert found is not None
    assert found.text == "2,310 m"


def test_a_lost_dash_leaves_two_dates() -> None:
    page = chunk("a", "Ada Bell (June 1, 1912August 10, 2002) was a painter.", "Ada Bell")
    found = extract("died later Ada Bell", "date", hits(page))
    assert found is not None
    assert (found.text, found.support >= 0.6) == ("August 10, 2002", True)
