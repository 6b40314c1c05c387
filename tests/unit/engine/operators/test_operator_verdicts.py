"""What operators decide, and what they leave open."""

from __future__ import annotations

import pytest

from app.domain.plan import Op
from app.engine.operators.operate import Operand, Undecided, Verdict, operate
from app.engine.plan.comparison import Sense

ALPHA, BETA = "Alpha Bridge", "Beta Bridge"


def compared(question: str, one: str, other: str, sense: Sense | None = None) -> str | None:
    """The short verdict; None if there is none."""
    found = operate("compare", question, sense, [Operand(ALPHA, one), Operand(BETA, other)])
    return found.short if isinstance(found, Verdict) else None


@pytest.mark.parametrize(
    ("words", "winner"),
    [
        ("is older", ALPHA), ("opened first", ALPHA), ("was built earlier", ALPHA),
        ("began first", ALPHA), ("is newer", BETA), ("opened later", BETA), ("is younger", BETA),
        ("was finished more recently", BETA), ("opened last", BETA),
    ],
)  # fmt: skip
def test_the_direction_of_dates(words: str, winner: str) -> None:
    question = f"Which bridge {words}, {ALPHA} or {BETA}?"
    assert compared(question, "3 May 1912", "1920") == winner
    assert compared(question, "1920", "3 May 1912") == (BETA if winner == ALPHA else ALPHA)


def test_a_verdict_shows_its_values() -> None:
    question = f"Which bridge opened earlier, {ALPHA} or {BETA}?"
    operands = [Operand(ALPHA, "3 May 1912"), Operand(BETA, "1920")]
    found = operate("compare", question, "least", operands)
    assert found == Verdict(f"{ALPHA} is earlier: 3 May 1912 against 1920.", ALPHA, (0, 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [("1912", "3 May 1912"), ("1912", "1912"), ("c. 1910", "1912"), ("the 1910s", "1912"),
     ("Norland", "1912"), ("before 1920", "1912"), ("1912 and 1920", "Norland")],
)  # fmt: skip
def test_dates_that_overlap_or_are_none_stay_open(one: str, other: str) -> None:
    assert compared(f"Which is older, {ALPHA} or {BETA}?", one, other) is None
    assert compared(f"Which is older, {ALPHA} or {BETA}?", other, one) is None


def test_names_of_what_is_compared_ask_nothing() -> None:
    operands = [Operand("First Light", "1950"), Operand("Last Orders", "1960")]
    found = operate("compare", "Which song is newer, First Light or Last Orders?", None, operands)
    assert isinstance(found, Verdict)
    assert found.short == "Last Orders"


def test_older_people_have_more_years() -> None:
    assert compared(f"Which is older, {ALPHA} or {BETA}?", "54 years", "60 years") == BETA


def test_a_longer_life_needs_both_dates_of_both() -> None:
    question = "Who lived longer, Ada Bell or Bo Quill?"
    lives = [
        Operand("Ada Bell", "3 May 1912 \u2013 1 June 1980"),
        Operand("Bo Quill", "1920\u20131999"),
    ]
    found = operate("compare", question, "most", lives)
    assert isinstance(found, Verdict)
    assert found.short == "Bo Quill"
    only = [lives[0], Operand("Bo Quill", "1920")]
    assert isinstance(operate("compare", question, "most", only), Undecided)
    near = [lives[0], Operand("Bo Quill", "1912\u20131980")]
    assert isinstance(operate("compare", question, "most", near), Undecided)


@pytest.mark.parametrize(
    ("words", "one", "other", "short"),
    [
        ("is higher", "8,163 m (26,781 ft)", "7.5 km", ALPHA),
        ("has fewer arches", "three arches", "12 arches", ALPHA),
        ("is longer", "300 m", "3 km", BETA),
        ("is longer", "300 m", "3 kg", None),
        ("is longer", "300 m", "0.3 km", None),
        ("cost more", "1.2 million", "1,210,000", None),
    ],
)
def test_numbers(words: str, one: str, other: str, short: str | None) -> None:
    assert compared(f"Which bridge {words}, {ALPHA} or {BETA}?", one, other) == short


@pytest.mark.parametrize(
    ("words", "one", "other", "short"),
    [
        ("in the same country", "Norland", "Norland", "yes"),
        ("in the same country", "Norland", "Sudland", "no"),
        ("in the same country", "American", "United States", "yes"),
        ("in the same country", "Ottawa, Canada", "French", "no"),
        ("in the same country", "Canada", "Kell", None),
        ("in different countries", "Canada", "France", "yes"),
        ("of the same nationality", "German- Australian", "Australian", "yes"),
        ("from the same country", "German- Australian", "Australian", None),
        ("opened in the same year", "3 May 1912", "1912", "yes"),
        ("opened in the same year", "3 May 1912", "1913", "no"),
        ("opened on the same day", "3 May 1912", "1912", None),
        ("opened on the same day", "3 May 1912", "May 3, 1912", "yes"),
        ("of the same length", "300 m", "0.3 km", "yes"),
        ("by the same engineer", "Isaura Venn", "Isaura M. Venn", "yes"),
        ("by the same engineer", "Isaura Venn", "Tobias Quill", "no"),
    ],
)
def test_equality(words: str, one: str, other: str, short: str | None) -> None:
    assert compared(f"Are {ALPHA} and {BETA} {words}?", one, other) == short


def test_equality_shows_its_values() -> None:
    question = f"Are {ALPHA} and {BETA} located in the same country?"
    both = operate(
        "compare", question, "equal", [Operand(ALPHA, "Norland"), Operand(BETA, "Norland")]
    )
    assert isinstance(both, Verdict)
    assert both.text == "Both are in Norland."
    no = operate(
        "compare", question, "equal", [Operand(ALPHA, "Norland"), Operand(BETA, "Sudland")]
    )
    assert isinstance(no, Verdict)
    assert no.text == "No: Norland against Sudland."


def test_both_and_which_follow_yes_and_no() -> None:
    both, which = f"Are {ALPHA} and {BETA} both arched?", f"Which is arched, {ALPHA} or {BETA}?"
    assert compared(both, "yes", "Yes.", "both") == "yes"
    assert compared(both, "yes", "no", "both") == "no"
    assert compared(both, "stone", "steel", "both") is None
    assert compared(which, "no", "yes", "which") == BETA
    assert compared(which, "yes", "yes", "which") is None
    assert compared(which, "no", "no", "which") is None
    assert compared(f"Which is in Norway, {ALPHA} or {BETA}?", "Norwegian", "Swedish") == ALPHA


def test_a_question_for_yes_or_no_over_a_scale() -> None:
    assert compared(f"Is {ALPHA} older than {BETA}?", "1912", "1920") == "yes"
    assert compared(f"Is {ALPHA} newer than {BETA}?", "1912", "1920") == "no"
    assert compared(f"Did {ALPHA} open before {BETA}?", "1912", "1920") == "yes"
    assert compared(f"Was {ALPHA} or {BETA} opened first?", "1912", "1920") == ALPHA


def test_an_operand_that_is_named_by_its_sub_question_is_called_as_the_question_does() -> None:
    operands = [
        Operand("When was Alpha Bridge opened?", "1912"),
        Operand("When was Beta Bridge opened?", "1920"),
    ]
    found = operate("compare", "Which opened first, Alpha Bridge or Beta Bridge?", None, operands)
    assert isinstance(found, Verdict)
    assert found.short == ALPHA


def test_lists() -> None:
    one = Operand("bridges by Venn", "", ("Oxbow Span", "Skarn Arch", "Oxbow  span"))
    other = Operand("bridges in Kell", "Skarn Arch, Gauge Way")
    counted = operate("count", "How many?", None, [one])
    assert counted == Verdict("2: Oxbow Span and Skarn Arch.", "2", (0,))
    shared = operate("intersect", "Which?", None, [one, other])
    assert isinstance(shared, Verdict)
    assert shared.short == "Skarn Arch"
    together = operate("union", "Which?", None, [one, other])
    assert isinstance(together, Verdict)
    assert together.short == "Oxbow Span, Skarn Arch and Gauge Way"
    alone = [Operand("x", "Oxbow Span"), Operand("y", "Gauge Way")]
    assert isinstance(operate("intersect", "Which?", None, alone), Undecided)
    number = operate("count", "How many?", None, [Operand("boats", "12 boats")])
    assert isinstance(number, Verdict)
    assert number.short == "12"
    assert isinstance(operate("count", "How many?", None, [Operand("x", "none")]), Undecided)


@pytest.mark.parametrize(
    ("question", "one", "other", "short"),
    [
        ("How many years between them?", "3 May 1912", "1920", "8 years"),
        ("How many years between them?", "3 May 1912", "2 May 1920", "7 years"),
        ("How many days between them?", "3 May 1912", "May 5, 1912", "2 days"),
        ("How many days between them?", "3 May 1912", "1912", None),
        ("How many months between them?", "May 1912", "July 1913", "14 months"),
        ("How old was Ada Bell then?", "3 May 1912", "1920", None),
        ("How old was Ada Bell then?", "3 May 1912", "4 May 1920", "8 years"),
        ("How much longer is it?", "3 km", "1200 m", "1.8 km"),
        ("How much more did it cost?", "$5.5 million", "$2 million", "$3,500,000"),
        ("What is the total length?", "3 km", "1200 m", "4.2 km"),
        ("What is the average?", "10", "25", "17.5"),
        ("How much longer is it?", "3 km", "3 kg", None),
        ("How many years between them?", "1912", "the 1920s", None),
    ],
)
def test_arithmetic(question: str, one: str, other: str, short: str | None) -> None:
    found = operate("arithmetic", question, None, [Operand("x", one), Operand("y", other)])
    assert (found.short if isinstance(found, Verdict) else None) == short


@pytest.mark.parametrize("op", ["compare", "count", "intersect", "union", "arithmetic"])
def test_nothing_comes_of_nothing(op: Op) -> None:
    assert isinstance(operate(op, "Which?", None, []), Undecided)
    assert isinstance(
        operate(op, "Which?", None, [Operand("x", " "), Operand("y", "1")]), Undecided
    )


def test_retrieving_is_no_operator() -> None:
    found = operate("retrieve", "Which?", None, [Operand("x", "1")])
    assert isinstance(found, Undecided)
    assert found.reason.endswith(".")
