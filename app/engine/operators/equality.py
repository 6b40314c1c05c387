"""Whether the answers of nodes are one: the same country, date, number or name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.engine.operators.aspects import aspect
from app.engine.operators.countries import countries
from app.engine.operators.dates import When
from app.engine.operators.names import listed, same
from app.engine.operators.quantities import Quantity
from app.engine.operators.values import Unclear, date_of, kind_of, quantity_of
from app.engine.operators.verdict import Operand

_COUNTRY = re.compile(r"\bcountr(?:y|ies)\b|\bnationalit|\bcitizenship", re.IGNORECASE)
_NATIONALITY = re.compile(r"\bnationalit|\bcitizenship", re.IGNORECASE)
_UNIT = re.compile(r"\bsame (?P<unit>year|month|decade|century)\b", re.IGNORECASE)


def alike(asked: str, operands: Sequence[Operand]) -> bool | Unclear:
    """Whether all values are one."""
    first, *others = operands
    if _COUNTRY.search(asked):
        return _one_country(asked, operands)
    if kind_of(operands) == "date" and aspect(asked) not in ("country", "occupation"):
        return _one_date(asked, operands)
    if kind_of(operands) == "number":
        numbers = [quantity_of(operand) for operand in operands]
        return _one_quantity(numbers, operands)
    for other in others:
        pairs = [(one, two) for one in _all(first) for two in _all(other)]
        if not any(same(one, two) for one, two in pairs):
            known = [countries(one.text) for one in (first, other)]
            if all(known) and known[0] == known[1]:
                continue
            return False
    return True


def _one_country(asked: str, operands: Sequence[Operand]) -> bool | Unclear:
    known = [countries(operand.text) for operand in operands]
    if not any(known):  # countries that no table has
        return all(same(operands[0].text, other.text) for other in operands[1:])
    for operand, found in zip(operands, known, strict=True):
        if not found:
            return Unclear(f"it is not known in which country “{operand.text}” is")
    shared = frozenset.intersection(*known)
    if shared and len(set(known)) > 1 and not _NATIONALITY.search(asked):
        return Unclear(f"{against(operands)} is the same country in part only")
    return bool(shared)


def _one_date(asked: str, operands: Sequence[Operand]) -> bool | Unclear:
    found: list[When] = []
    for operand in operands:
        when = date_of(operand, aspect(asked))
        if isinstance(when, Unclear):
            return when
        found.append(when)
    if unit := _UNIT.search(asked):
        found = [_widened(when, unit["unit"].lower()) for when in found]
    first, *others = found
    if any(first.before(other) or other.before(first) for other in others):
        return False
    if all(first == other for other in others) and (unit or first.precision == "day"):
        return True
    return Unclear(f"{against(operands)} cannot be told apart at their precision")


def _widened(when: When, unit: str) -> When:
    """The calendar unit that holds the date, where one does."""
    years = {"decade": 10, "century": 100}.get(unit, 1)
    first, last = when.first, when.last
    if unit == "month" and when.precision in ("day", "month"):
        return When(first._replace(day=1), last._replace(day=31))
    if unit != "month" and first.year // years == last.year // years:
        start = first.year // years * years
        return When(
            first._replace(year=start, month=1, day=1),
            last._replace(year=start + years - 1, month=12, day=31),
        )
    return when


def _one_quantity(
    numbers: Sequence[Quantity | Unclear], operands: Sequence[Operand]
) -> bool | Unclear:
    known: list[Quantity] = []
    for number in numbers:
        if isinstance(number, Unclear):
            return number
        known.append(number)
    first, *others = known
    if any(not first.comparable(other) for other in others):
        return Unclear(f"{against(operands)} do not measure the same")
    if any(first.below(other) or other.below(first) for other in others):
        return False
    if all(one.exact for one in known) or len({(one.low, one.high) for one in known}) == 1:
        return True
    return Unclear(f"{against(operands)} cannot be told apart at their precision")


def against(operands: Sequence[Operand]) -> str:
    """The values side by side."""
    return " against ".join(operand.text for operand in operands)


def _all(operand: Operand) -> tuple[str, ...]:
    return operand.texts or listed(operand.text) or (operand.text,)
