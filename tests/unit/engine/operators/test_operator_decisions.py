"""What operators decide, and what they leave open."""

from __future__ import annotations

import pytest

from app.domain.plan import Op
from app.engine.operators.operate import Operand, Undecided, Verdict, operate
from app.engine.plan.comparison import Sense


def _of(first: str, second: str) -> list[Operand]:
    return [Operand("Alpha Bridge", first), Operand("Beta Bridge", second)]


def _decided(op: Op, question: str, operands: list[Operand], sense: Sense | None = None) -> Verdict:
    result = operate(op, question, sense, operands)
    assert isinstance(result, Verdict), result
    return result


def _open(op: Op, question: str, operands: list[Operand], sense: Sense | None = None) -> str:
    result = operate(op, question, sense, operands)
    assert isinstance(result, Undecided), result
    return result.reason


@pytest.mark.parametrize(
    ("question", "winner"),
    [
        ("Which opened first, Alpha Bridge or Beta Bridge?", "Alpha Bridge"),
        ("Which is older, Alpha Bridge or Beta Bridge?", "Alpha Bridge"),
        ("Which is younger, Alpha Bridge or Beta Bridge?", "Beta Bridge"),
        ("Which opened more recently, Alpha Bridge or Beta Bridge?", "Beta Bridge"),
    ],
)
def test_dates_are_compared_in_the_direction_of_the_question(question: str, winner: str) -> None:
    assert _decided("compare", question, _of("3 May 1912", "1920")).short == winner


def test_a_verdict_shows_its_values_and_what_it_rests_on() -> None:
    verdict = _decided("compare", "Which opened first?", _of("3 May 1912", "1920"), "least")
    assert verdict.text == "Alpha Bridge: 3 May 1912, against 1920 for Beta Bridge."
    assert verdict.used == (0, 1)


def test_a_year_has_no_order_against_a_day_in_it() -> None:
    reason = _open("compare", "Which opened first?", _of("1912", "3 May 1912"), "least")
    assert "no certain order" in reason


def test_numbers_are_compared_in_one_unit() -> None:
    assert _decided("compare", "Which is longer?", _of("3 km", "300 m")).short == "Alpha Bridge"
    assert _decided("compare", "Which has more?", _of("12,500", "1.2 million")).short == (
        "Beta Bridge"
    )
    assert "dimensions" in _open("compare", "Which is longer?", _of("3 km", "300 kg"))


def test_the_older_has_the_greater_age() -> None:
    assert _decided("compare", "Who is older?", _of("34 years", "29 years")).short == (
        "Alpha Bridge"
    )


def test_longer_lives_are_compared_by_their_dates() -> None:
    operands = [Operand("A", "3 May 1912 \u2013 1980"), Operand("B", "(born 1930; died 1950)")]
    assert _decided("compare", "Who lived longer, A or B?", operands).short == "A"


@pytest.mark.parametrize(
    ("question", "first", "second", "short"),
    [
        ("Are they of the same nationality?", "American", "United States", "yes"),
        ("Are they of the same nationality?", "British", "French", "no"),
        ("Are they from the same country?", "Springfield, Ohio", "U.S.", "yes"),
        ("Were they born in the same city?", "Norcity, Norland", "Norcity", "yes"),
        ("Were they born in the same city?", "Norcity", "Sudcity", "no"),
        ("Do they have the same founder?", "Paul Smith", "Paul J. Smith", "yes"),
        ("Were they built in the same year?", "1912", "1920", "no"),
    ],
)
def test_values_are_the_same_or_not(question: str, first: str, second: str, short: str) -> None:
    assert _decided("compare", question, _of(first, second)).short == short


def test_values_that_may_be_the_same_stay_open() -> None:
    _open("compare", "Are they from the same country?", _of("Norcity", "French"))
    _open("compare", "Were they built in the same month?", _of("1912", "3 May 1912"))
    _open("compare", "Were they born in the same city?", _of("Rome", "Italy"))


def test_a_statement_holds_for_both_or_for_one() -> None:
    assert _decided("compare", "Are both red?", _of("yes", "yes"), "both").short == "yes"
    assert _decided("compare", "Are both red?", _of("yes", "no"), "both").short == "no"
    assert _decided("compare", "Which is red?", _of("no", "yes"), "which").short == "Beta Bridge"
    _open("compare", "Which is red?", _of("yes", "yes"), "which")
    assert _decided("compare", "Which is red?", _of("no", "yes"), "which").text == (
        "Beta Bridge: it holds for Beta Bridge, but it does not hold for Alpha Bridge."
    )
    _open("compare", "Are both red?", _of("yes", "perhaps"), "both")


def test_lists_are_counted_joined_and_met() -> None:
    first = Operand("towns of Norland", "Ash", ("Ash", "Birk", "Cole"))
    second = Operand("towns on the Ree", "Birk", ("Birk", "Dorn"))
    assert _decided("count", "How many?", [first]).text == "3: Ash, Birk, Cole."
    assert _decided("union", "Which?", [first, second]).short == "Ash, Birk, Cole, Dorn"
    assert _decided("intersect", "Which?", [first, second]).short == "Birk"
    _open("intersect", "Which?", [first, Operand("towns of Sudland", "Esk")])
    _open("count", "How many?", [Operand("towns", "Ash")])


@pytest.mark.parametrize(
    ("question", "first", "second", "short"),
    [
        ("How many years are between them?", "1912", "1920", "8"),
        ("How many years are between them?", "3 May 1912", "2 May 1920", "7"),
        ("How many days are between them?", "3 May 1912", "5 May 1912", "2"),
        ("How much more is it?", "$3 million", "$2 million", "$1,000,000"),
        ("What is their total length?", "3 km", "300 m", "3.3 km"),
        ("What is the average?", "10", "20", "15"),
    ],
)
def test_arithmetic(question: str, first: str, second: str, short: str) -> None:
    assert _decided("arithmetic", question, _of(first, second)).short == short


def test_what_cannot_be_computed_is_said() -> None:
    assert "one number" in _open("arithmetic", "What is the total?", _of("many", "3"))
    assert "what to compute" in _open("arithmetic", "What of them?", _of("4", "3"))
    assert "missing" in _open("compare", "Which is older?", _of("", "1912"))
    assert "no operator" in _open("retrieve", "Which is older?", _of("1911", "1912"))


def test_a_winner_has_the_name_that_the_question_gives_it() -> None:
    operands = [Operand("the birth of Ada Bell", "1912"), Operand("the birth of Ulf Stone", "1920")]
    assert _decided("compare", "Who was born first, Ada Bell or Ulf Stone?", operands).short == (
        "Ada Bell"
    )


def test_a_word_of_scale_in_a_name_decides_nothing() -> None:
    operands = [Operand("Last Gate", "1912"), Operand("Red Gate", "1920")]
    question = "Which is older, Last Gate or Red Gate?"
    assert _decided("compare", question, operands).short == "Last Gate"
