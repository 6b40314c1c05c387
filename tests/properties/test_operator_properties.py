"""Operators over any values."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.engine.operators.dates import dates
from app.engine.operators.operate import Operand, Undecided, Verdict, operate
from app.engine.operators.quantities import quantities

TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["1912", "3 May 1912", "1.2 million", "300 m", "3 km", "Norland", "American", "yes", "no",
         "1912\u20131980", "44 BC", "a, b and c", "c. 1900"]
    ),
)  # fmt: skip
OPS = st.sampled_from(["compare", "count", "intersect", "union", "arithmetic"])
SENSES = st.sampled_from([None, "least", "most", "equal", "both", "which"])
QUESTIONS = st.sampled_from(
    ["Which is older, A or B?", "Are A and B in the same country?", "How many years between?",
     "Who lived longer, A or B?", "Which is higher, A or B?", "?", ""]
)  # fmt: skip


@given(OPS, QUESTIONS, SENSES, st.lists(TEXTS, max_size=4))
def test_any_values_give_a_verdict_on_some_of_them_or_a_reason(op, question, sense, texts) -> None:
    operands = [Operand("AB"[place % 2], text) for place, text in enumerate(texts)]
    found = operate(op, question, sense, operands)
    if isinstance(found, Verdict):
        assert found.text.strip()
        assert found.short.strip()
        assert found.used
        assert all(0 <= place < len(operands) for place in found.used)
    else:
        assert isinstance(found, Undecided)
        assert found.reason.endswith(".")


@given(st.sampled_from(["least", "most", "equal"]), TEXTS, TEXTS)
def test_the_order_of_operands_decides_nothing(sense, one, other) -> None:
    operands = [Operand("Alpha Bridge", one), Operand("Beta Bridge", other)]
    question = "Which is older, Alpha Bridge or Beta Bridge?"
    first = operate("compare", question, sense, operands)
    second = operate("compare", question, sense, operands[::-1])
    assert isinstance(first, Verdict) == isinstance(second, Verdict)
    if isinstance(first, Verdict) and isinstance(second, Verdict):
        assert first.short == second.short


@given(TEXTS)
def test_a_value_is_never_less_or_more_than_itself(text) -> None:
    operands = [Operand("Alpha Bridge", text), Operand("Beta Bridge", text)]
    for sense in ("least", "most"):
        question = "Which is older, Alpha Bridge or Beta Bridge?"
        assert isinstance(operate("compare", question, sense, operands), Undecided)


@given(st.text(max_size=200))
def test_places_of_dates_and_quantities_are_inside_and_apart(text) -> None:
    for found in (dates(text), quantities(text)):
        assert all(0 <= one.start < one.end <= len(text) for one in found)
        assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(dated.when.first <= dated.when.last for dated in dates(text))
