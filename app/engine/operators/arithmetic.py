"""Sums, means and differences of numbers, and years between dates."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.engine.operators import dates, numbers
from app.engine.operators.dates import Date
from app.engine.operators.numbers import Number, shown
from app.engine.operators.outcome import Operand, Undecided, Verdict

_BETWEEN = re.compile(
    r"\b(?:between|differ\w*|apart|after|before|gap|elapsed|passed|from .* (?:to|until)"
    r"|how (?:much|many) (?:\w+ )?(?:\w+er|more|less|fewer|later|earlier))\b"
)
_MEAN = re.compile(r"\b(?:average|mean)\b")
_SUM = re.compile(r"\b(?:sum|total|combined|together|altogether|in all)\b")
_DAYS = re.compile(r"\bdays\b")


def arithmetic(question: str, operands: Sequence[Operand]) -> Verdict | Undecided:
    """What the question's words ask for: a mean, a sum, or a difference of two values."""
    asked = question.lower()
    mean, total = _MEAN.search(asked), _SUM.search(asked)
    if not (mean or total):
        if len(operands) != 2 or not _BETWEEN.search(asked):
            return Undecided("the question does not say what to compute")
        first, second = (dates.parse(one.text) for one in operands)
        if first is not None and second is not None:
            return _apart(asked, operands, first, second)
    values = [numbers.number(one.text) for one in operands]
    read = [value for value in values if value is not None]
    if len(read) < len(values):
        lost = operands[values.index(None)].text
        return Undecided(f'"{lost}" cannot be read as one number')
    if len({value.dimension for value in read}) > 1:
        return Undecided("the values have different dimensions")
    if mean or total:
        sum_of = sum(value.value for value in read)
        result = sum_of / len(read) if mean else sum_of
        return _verdict(result, read[0], operands, "Mean" if mean else "Sum")
    return _verdict(abs(read[0].value - read[1].value), read[0], operands, "Difference")


def _apart(
    asked: str, operands: Sequence[Operand], first: Date, second: Date
) -> Verdict | Undecided:
    said = f"from {operands[0].text} to {operands[1].text}"
    if _DAYS.search(asked):
        days = dates.days_between(first, second)
        if days is None:
            return Undecided("both dates must be exact to the day")
        return Verdict(f"{days:,} days: {said}.", f"{days}", (0, 1))
    years = dates.years_between(first, second)
    if years is None:
        return Undecided("both dates must be exact to the year")
    unit = "year" if years == 1 else "years"
    return Verdict(f"{years} {unit}: {said}.", f"{years}", (0, 1))


def _verdict(result: float, unit: Number, operands: Sequence[Operand], what: str) -> Verdict:
    """The result in the unit of the first operand."""
    value = shown(result / unit.factor)
    said = f"{unit.unit}{value}" if unit.unit in "$£€¥" else f"{value} {unit.unit}".strip()
    values = ", ".join(one.text for one in operands)
    return Verdict(f"{what}: {said} ({values}).", said, tuple(range(len(operands))))
