"""What the text of an operand means where one date, one quantity or a yes or no is needed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from app.engine.operators.aspects import Aspect
from app.engine.operators.dates import Day, When, dates
from app.engine.operators.quantities import Quantity, quantities
from app.engine.operators.verdict import Operand

_SAME_MEASURE = Decimal("0.02")
"""Share by which a converted length may differ: "300 m (984 ft)"."""
_YES_NO = re.compile(r"\W*(yes|no|true|false|both|neither|none)\b", re.IGNORECASE)
_YES = frozenset(("yes", "true", "both"))
_LAST = frozenset[Aspect](("death", "end"))
_FIRST = frozenset[Aspect](("birth", "start", "release", "age"))


@dataclass(frozen=True, slots=True)
class Unclear:
    """A text that means no one value; the reason is a part of a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Span:
    """Days from a first to a last date: as few and as many as may be."""

    least: int
    most: int


def date_of(operand: Operand, aspect: Aspect) -> When | Unclear:
    """The date of an operand; of several the first or last, as the aspect wants."""
    found = [dated.when for dated in dates(operand.text)]
    if not found:
        return Unclear(f"“{operand.text}” is no date")
    if len(found) == 1:
        return found[0]
    finest = [when for when in found if all(other.holds(when) for other in found)]
    if finest:  # "1912 (3 May 1912)"
        return finest[0]
    if aspect in _LAST and _ordered(found):
        return found[-1]
    if aspect in _FIRST and _ordered(found):
        return found[0]
    return Unclear(f"“{operand.text}” holds several dates")


def span_of(operand: Operand) -> Span | Unclear:
    """The time between the two dates of an operand."""
    found = [dated.when for text in (operand.text, *operand.texts) for dated in dates(text)]
    distinct = list(dict.fromkeys(found))
    if len(distinct) != 2 or not distinct[0].before(distinct[1]):
        return Unclear(f"“{operand.text}” does not tell a first and a last date")
    return between(*distinct)


def between(first: When, last: When) -> Span:
    """Days between two dates of which neither may reach into the other."""
    return Span(_days(first.last, last.first), _days(first.first, last.last))


def quantity_of(operand: Operand, dimension: str = "") -> Quantity | Unclear:
    """The quantity of an operand; of several the one of the dimension, if only one fits."""
    found = [one.quantity for one in quantities(operand.text)]
    wanted = [one for one in found if one.dimension == dimension] if dimension else []
    found = wanted or [one for one in found if one.dimension] or found
    if not found:
        return Unclear(f"“{operand.text}” is no number")
    first = found[0]
    if all(_alike(first, other) for other in found[1:]):
        return first
    return Unclear(f"“{operand.text}” holds several numbers")


def holds_of(operand: Operand) -> bool | None:
    """What a yes or no says; None for any other text."""
    said = _YES_NO.match(operand.text)
    return said[1].lower() in _YES if said else None


def kind_of(operands: Sequence[Operand]) -> Literal["date", "number", "name"]:
    """What all the texts can be read as, dates before numbers."""
    texts = [operand.text for operand in operands]
    if all(_mostly_date(text) for text in texts):
        return "date"
    if all(quantities(text) for text in texts):
        return "number"
    return "name"


def _mostly_date(text: str) -> bool:
    found = dates(text)
    # A year alone is a number as well; where it is one, units or other numbers stand around.
    return bool(found) and not any(
        one.quantity.dimension or "," in text[one.start : one.end]
        for one in quantities(text)
        if not any(date.start <= one.start < date.end for date in found)
    )


def _ordered(found: Sequence[When]) -> bool:
    return all(one.before(other) for one, other in pairwise(found))


def _days(first: Day, last: Day) -> int:
    return last.number - first.number


def _alike(one: Quantity, other: Quantity) -> bool:
    if one.dimension != other.dimension:
        return False
    return abs(one.low - other.low) <= abs(one.low) * _SAME_MEASURE
