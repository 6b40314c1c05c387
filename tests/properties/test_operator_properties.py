"""What holds for operators and for typed reading, whatever the values are."""

from __future__ import annotations

import datetime

from hypothesis import given
from hypothesis import strategies as some

from app.domain.plan import Expects, Op
from app.engine.operators import dates, names
from app.engine.operators.operate import Operand, Undecided, Verdict, operate
from app.engine.plan.comparison import Sense
from app.engine.steps.extract import extract
from tests.answering import chunk, hits

_DAYS = some.dates(min_value=datetime.date(1000, 1, 1), max_value=datetime.date(2099, 12, 31))
_OPS: list[Op] = ["retrieve", "compare", "count", "intersect", "union", "arithmetic", "sql"]
_SENSES: list[Sense | None] = ["least", "most", "equal", "both", "which", None]
_EXPECTED: list[Expects] = [
    "entity", "person", "place", "date", "number", "bool", "list", "text",
]  # fmt: skip
_TEXTS = some.text(max_size=60) | some.sampled_from(
    ["1912", "3 km", "American", "yes", "no", "1912 \u2013 1980", "c. 44 BC", "Norcity, Norland"]
)
_OPERANDS = some.lists(
    some.builds(
        Operand,
        name=some.text(max_size=20),
        text=_TEXTS,
        texts=some.lists(_TEXTS, max_size=4).map(tuple),
    ),
    max_size=4,
)
_SAID = """
Ada Bell born in ( ) , . is an American 1912 \u2013 3 May 1920 film founded located Norland died
population 12,500 m United States
"""
_WORDS = some.lists(some.sampled_from([*_SAID.split(), "\n"]), max_size=40).map(" ".join)


@given(some.sampled_from(_OPS), some.text(max_size=80), some.sampled_from(_SENSES), _OPERANDS)
def test_any_values_end_in_a_verdict_or_a_reason(
    op: Op, question: str, sense: Sense | None, operands: list[Operand]
) -> None:
    result = operate(op, question, sense, operands)
    if isinstance(result, Undecided):
        assert result.reason
    else:
        assert result.text
        assert set(result.used) <= set(range(len(operands)))
    assert operate(op, question, sense, operands) == result


@given(_DAYS, _DAYS)
def test_the_winner_does_not_depend_on_the_order_of_operands(
    one: datetime.date, other: datetime.date
) -> None:
    operands = [
        Operand("Ada", f"{one.day} {one:%B} {one.year}"),
        Operand("Ulf", f"{other:%B} {other.day}, {other.year}"),
    ]
    first = operate("compare", "Who was born first?", "least", operands)
    turned = operate("compare", "Who was born first?", "least", operands[::-1])
    if one == other:
        assert isinstance(first, Undecided)
        assert isinstance(turned, Undecided)
    else:
        assert isinstance(first, Verdict)
        assert isinstance(turned, Verdict)
        assert first.short == turned.short == ("Ada" if one < other else "Ulf")


@given(_DAYS)
def test_a_day_is_within_its_month_and_its_year(day: datetime.date) -> None:
    exact = dates.parse(f"{day.day} {day:%B} {day.year}")
    month, year = dates.parse(f"{day:%B} {day.year}"), dates.parse(str(day.year))
    assert exact is not None
    assert month is not None
    assert year is not None
    assert exact.first == exact.last == (day.year, day.month, day.day)
    assert exact.within(month)
    assert month.within(year)
    assert not exact.before(year)


@given(some.text(max_size=30))
def test_a_name_is_its_own_alias_if_it_has_words(name: str) -> None:
    assert names.same(name, name.upper().casefold()) is bool(names.folded(name))


@given(_WORDS, _WORDS, some.sampled_from(_EXPECTED))
def test_a_value_stands_in_its_sentence(text: str, asking: str, expects: Expects) -> None:
    found = extract(f"{asking} Ada Bell", expects, hits(chunk("a", text, "Ada Bell")))
    if found is not None:
        assert 0 <= found.support <= 1
        assert 0 <= found.pick.start < found.pick.end <= len(text)
        assert expects == "bool" or found.text in text
