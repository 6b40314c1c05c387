"""Differences between dates in calendar terms; sums, differences and means of numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from app.engine.operators.aspects import aspect
from app.engine.operators.dates import When, dates, whole_months, whole_years
from app.engine.operators.names import enumerated
from app.engine.operators.quantities import Quantity, quantities
from app.engine.operators.values import Unclear, between, date_of, kind_of, quantity_of
from app.engine.operators.verdict import Operand, Undecided, Verdict

_SUM = re.compile(r"\b(?:total|sum|combined|altogether|together|in all|added)\b", re.IGNORECASE)
_MEAN = re.compile(r"\b(?:average|mean)\b", re.IGNORECASE)
_TIMES = re.compile(r"\b(?:how many times|ratio)\b", re.IGNORECASE)
_AGE = re.compile(r"\b(?:how old|at (?:what|which) age|what age)\b", re.IGNORECASE)
_UNIT = re.compile(
    r"\b(?:how many|number of) (?:full |whole )?"
    r"(?P<unit>days|weeks|months|years|decades|centuries)\b",
    re.I,
)
_DIGITS = Decimal("0.01")
_YEARS = {"decades": 10, "centuries": 100}


def arithmetic(question: str, operands: Sequence[Operand]) -> Verdict | Undecided:
    """Compute what the question asks of all operands; differences are of two and have no sign."""
    adds = _SUM.search(question) or _MEAN.search(question) or _TIMES.search(question)
    if not adds and kind_of(operands) == "date":
        return _apart(question, operands)
    return _numbers(question, operands)


def _apart(question: str, operands: Sequence[Operand]) -> Verdict | Undecided:
    """The time between two dates, each of its own operand or both of one."""
    whens: list[When] = []
    if len(operands) == 1:
        whens = list(dict.fromkeys(d.when for d in dates(operands[0].text)))
        texts = [operands[0].text]
    else:
        for operand in operands:
            when = date_of(operand, aspect(question))
            if isinstance(when, Unclear):
                return Undecided(f"{when.reason[0].upper()}{when.reason[1:]}.")
            whens.append(when)
        texts = [operand.text for operand in operands]
    if len(whens) != 2:
        return Undecided("A difference is between two dates.")
    first, last = sorted(whens, key=lambda when: (when.first, when.last))
    told = _difference(question, first, last)
    if told is None:
        return Undecided(f"{' and '.join(texts)} are not precise enough for that.")
    return Verdict(f"{told}: {' and '.join(texts)}.", told, tuple(range(len(operands))))


def _difference(question: str, first: When, last: When) -> str | None:
    unit = match["unit"].lower() if (match := _UNIT.search(question)) else "years"
    exact = first.precision == last.precision == "day"
    if unit in ("days", "weeks"):
        if not exact:
            return None
        days = between(first, last).least
        return _named(days if unit == "days" else days // 7, unit)
    if unit == "months":
        if "longer" in (first.precision, last.precision) or "year" in (
            first.precision,
            last.precision,
        ):
            return None
        return _named(
            whole_months(first.first, last.first)
            if exact
            else 12 * (last.first.year - first.first.year) + last.first.month - first.first.month,
            unit,
        )
    if "longer" in (first.precision, last.precision):
        return None
    if exact:
        years = whole_years(first.first, last.first)
    elif _AGE.search(question):
        # Without the day, an age may be a year less than the years differ by.
        least, most = whole_years(first.last, last.first), whole_years(first.first, last.last)
        if least != most:
            return None
        years = least
    else:
        years = last.first.year - first.first.year
    return _named(years // _YEARS.get(unit, 1), unit)


def _named(number: int, unit: str) -> str:
    one = {"centuries": "century"}.get(unit, unit.removesuffix("s"))
    return f"{number} {one if number == 1 else unit}"


def _numbers(question: str, operands: Sequence[Operand]) -> Verdict | Undecided:
    known: list[Quantity] = []
    for operand in operands:
        number = quantity_of(operand)
        if isinstance(number, Unclear):
            return Undecided(f"{number.reason[0].upper()}{number.reason[1:]}.")
        known.append(number)
    if len(known) < 2:
        return Undecided("Only one number is known.")
    if any(not known[0].comparable(other) for other in known[1:]):
        return Undecided(f"{_all(operands)} do not measure the same.")
    # What was rounded ("1.2 million") is computed with as it was written.
    values = [(one.low + one.high) / 2 for one in known]
    if _MEAN.search(question):
        value, sign = sum(values, Decimal(0)) / len(values), "the mean of"
    elif _SUM.search(question):
        value, sign = sum(values, Decimal(0)), "the sum of"
    elif len(values) != 2:
        return Undecided("A difference is between two numbers.")
    elif _TIMES.search(question):
        if not min(values):
            return Undecided("Nothing can be divided by zero.")
        return _told(max(values) / min(values), "", "the ratio of", operands)
    else:
        value, sign = abs(values[0] - values[1]), "the difference between"
    factor, unit = _unit(operands[0])
    return _told(value / factor, unit, sign, operands)


def _told(value: Decimal, unit: str, sign: str, operands: Sequence[Operand]) -> Verdict:
    rounded = value.quantize(_DIGITS)
    shown = f"{rounded.normalize():,f}"
    short = f"{shown} {unit}" if unit.isalpha() or len(unit) > 1 else f"{unit}{shown}"
    text = f"{short}: {sign} {_all(operands)}."
    return Verdict(text, short, tuple(range(len(operands))))


def _unit(operand: Operand) -> tuple[Decimal, str]:
    """The unit of an operand as written, and its size in the first unit of the dimension."""
    told = quantities(operand.text)[0]
    if not told.quantity.dimension:
        return Decimal(1), ""
    written = operand.text[told.start : told.end]
    sign = written[0] if written[0] in "$£€¥" else ""
    if sign:
        return Decimal(1), sign
    word = re.search(r"(?:square |sq\.? )?(?:%|[^\W\d_][^\d]*[²2]?)$", written)
    unit = word.group() if word else ""
    one = quantities(f"1 {unit}")
    return (one[0].quantity.low if one and one[0].quantity.dimension else Decimal(1)), unit


def _all(operands: Sequence[Operand]) -> str:
    return enumerated([operand.text for operand in operands])
