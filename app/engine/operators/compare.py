"""Comparisons of values: an end of a scale, equality, or for whom something holds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.engine.operators import dates, names, numbers
from app.engine.operators.countries import countries, is_country
from app.engine.operators.dates import Date
from app.engine.operators.outcome import Operand, Undecided, Verdict
from app.engine.plan import comparison
from app.engine.plan.comparison import Sense
from app.engine.plan.lexicon import TIME_WORDS

_WORD = re.compile(r"\w+")
_LIVED = re.compile(r"\b(?:lived?|life|lifespan|reign\w*|lasted)\b")
_DASH = re.compile(r"[\u2013\u2014]")
_AGES = frozenset(("older", "oldest", "younger", "youngest"))
_COUNTRY = re.compile(r"\b(?:country|countries|nation|nations|nationality|nationalities)\b")
_PART = re.compile(
    r"\b(?:state|province|county|counties|district|region|city|town|village|street|place)\b"
)
_YES = frozenset(("yes", "true"))
_NO = frozenset(("no", "false"))

Bounds = tuple[float, float]
"""The least and the greatest number a value may be."""


def compare(question: str, sense: Sense | None, operands: Sequence[Operand]) -> Verdict | Undecided:
    """Decide a comparison; the sense is read from the question where it is not given."""
    if len(operands) < 2:
        return Undecided("a comparison needs two values")
    asked = _without_names(question, operands)
    sense = sense or comparison.sense(asked)
    if sense == "equal":
        return _equal(asked, operands)
    if sense == "both":
        return _both(operands)
    if sense == "which":
        return _which(operands)
    return _end(asked, sense == "least", operands)


def _without_names(question: str, operands: Sequence[Operand]) -> str:
    """The question without what it compares: "First" may be part of a name."""
    for operand in operands:
        if operand.name.strip():
            question = question.replace(operand.name, " ")
    return question.lower()


def _end(asked: str, least: bool, operands: Sequence[Operand]) -> Verdict | Undecided:
    words = frozenset(_WORD.findall(asked))
    bounds: list[Bounds] | None = None
    if _LIVED.search(asked):
        bounds = _all([_lifetime(one.text) for one in operands])
    if bounds is None and words & TIME_WORDS:
        bounds = _all([_days(dates.parse(one.text)) for one in operands])
    if bounds is None:
        read = [numbers.number(one.text) for one in operands]
        values = [value for value in read if value is not None]
        if len(values) < len(operands):
            lost = operands[read.index(None)]
            return Undecided(f'"{lost.text}" of {lost.name} cannot be compared')
        if len({value.dimension for value in values}) > 1:
            return Undecided(f"{_against(operands)} have different dimensions")
        bounds = [(value.value, value.value) for value in values]
        # The older of two has the greater age, but the lesser date.
        least = least != bool(words & _AGES)
    sign = 1.0 if least else -1.0
    turned = [tuple(sorted((sign * low, sign * high))) for low, high in bounds]
    best = min(range(len(turned)), key=lambda place: turned[place])
    others = [place for place in range(len(turned)) if place != best]
    if any(turned[best][1] >= turned[other][0] for other in others):
        return Undecided(f"{_against(operands)} have no certain order")
    winner = operands[best]
    against = ", ".join(f"{operands[place].text} for {operands[place].name}" for place in others)
    text = f"{winner.name}: {winner.text}, against {against}."
    return Verdict(text, winner.name, tuple(range(len(operands))))


def _days(date: Date | None) -> Bounds | None:
    return None if date is None else (_day(date.first), _day(date.last))


def _day(day: tuple[int, int, int]) -> float:
    """Days on a scale of months of 31 days, which keeps the order."""
    return (day[0] * 12 + day[1]) * 31 + day[2]


def _lifetime(text: str) -> Bounds | None:
    """The least and greatest length of a time between two dates, each of which may be doubtful."""
    found = dates.every(text)
    if len(found) > 2:
        dash = _DASH.search(text, found[0].stop)
        place = dash.start() if dash else 0
        before = [one for one in found if one.start < place]
        after = [one for one in found if one.start >= place]
    else:
        before, after = found[:1], found[1:]
    if not before or not after:
        return None
    return (
        min(_day(one.first) for one in after) - max(_day(one.last) for one in before),
        max(_day(one.last) for one in after) - min(_day(one.first) for one in before),
    )


def _all(values: Sequence[Bounds | None]) -> list[Bounds] | None:
    read = [value for value in values if value is not None]
    return read if len(read) == len(values) else None


def _equal(asked: str, operands: Sequence[Operand]) -> Verdict | Undecided:
    """Whether all values are the same; "no" needs values that cannot be the same."""
    first = operands[0]
    answers = [_same(asked, first.text, other.text) for other in operands[1:]]
    if False in answers:
        return Verdict(_of_each("No", operands), "no", _places(operands))
    if None in answers:
        return Undecided(f"{_against(operands)} may or may not be the same")
    if len({names.folded(one.text) for one in operands}) == 1:
        many = "both" if len(operands) == 2 else "all"
        return Verdict(f"Yes: {many} are {first.text}.", "yes", _places(operands))
    return Verdict(_of_each("Yes", operands), "yes", _places(operands))


def _same(asked: str, one: str, other: str) -> bool | None:
    """None where the values do not tell."""
    a, b = countries(one), countries(other)
    if _COUNTRY.search(asked):
        if a and b:
            # "French-American" and "French": they share one.
            return bool(a & b)
        return True if names.same(one, other) else None
    if _PART.search(asked) and is_country(one) and is_country(other):
        return False if a != b else None
    if names.same(one, other):
        return True
    days = dates.parse(one), dates.parse(other)
    if days[0] and days[1]:
        if days[0].before(days[1]) or days[1].before(days[0]):
            return False
        return True if days[0] == days[1] else None
    values = numbers.number(one), numbers.number(other)
    if values[0] and values[1]:
        if values[0].dimension != values[1].dimension:
            return None
        return values[0].value == values[1].value
    return _same_place(one, other, a, b)


def _same_place(one: str, other: str, a: frozenset[str], b: frozenset[str]) -> bool | None:
    """Addresses are compared from their most exact part on, if both are as exact."""
    heads = [text.split(",")[0] for text in (one, other)]
    if a and b and not a & b:
        return False
    if names.folded(heads[0]) == names.folded(heads[1]):
        return True
    # "Rome" and "Italy": one may hold the other.
    alone = [names.folded(head) in known for head, known in zip(heads, (a, b), strict=True)]
    return None if any(alone) and not all(alone) else False


def _both(operands: Sequence[Operand]) -> Verdict | Undecided:
    holds = [_holds(one) for one in operands]
    if False in holds:
        return Verdict(f"No: {_of_whom(operands, holds)}.", "no", _places(operands))
    if None in holds:
        return Undecided("it is not told of all whether it holds")
    return Verdict(f"Yes: {_of_whom(operands, holds)}.", "yes", _places(operands))


def _which(operands: Sequence[Operand]) -> Verdict | Undecided:
    """The only one for which it holds."""
    holds = [_holds(one) for one in operands]
    if None in holds or holds.count(True) != 1:
        return Undecided(f"{_against(operands)} do not tell for which it holds")
    winner = operands[holds.index(True)]
    text = f"{winner.name}: {_of_whom(operands, holds)}."
    return Verdict(text, winner.name, _places(operands))


def _holds(operand: Operand) -> bool | None:
    opening = _WORD.match(operand.text.strip().lower())
    if opening is None:
        return None
    return True if opening[0] in _YES else False if opening[0] in _NO else None


def _of_whom(operands: Sequence[Operand], holds: Sequence[bool | None]) -> str:
    """For whom it holds and for whom it does not; what is not told is left out."""
    of = {answer: [o.name for o, h in zip(operands, holds, strict=True) if h is answer]
          for answer in (True, False)}  # fmt: skip
    parts = [f"it holds for {' and '.join(of[True])}"] if of[True] else []
    if of[False]:
        parts.append(f"it does not hold for {' and '.join(of[False])}")
    return ", but ".join(parts)


def _of_each(opening: str, operands: Sequence[Operand]) -> str:
    return f"{opening}: " + " and ".join(f"{one.text} ({one.name})" for one in operands) + "."


def _against(operands: Sequence[Operand]) -> str:
    return " and ".join(f'"{one.text}"' for one in operands)


def _places(operands: Sequence[Operand]) -> tuple[int, ...]:
    return tuple(range(len(operands)))
