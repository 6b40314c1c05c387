"""Compares the answers of nodes: an end of a scale, equality, or for which something holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import TypeVar

from app.engine.operators.aspects import aspect
from app.engine.operators.countries import countries
from app.engine.operators.dates import When
from app.engine.operators.equality import against, alike
from app.engine.operators.names import distinct, enumerated
from app.engine.operators.quantities import Quantity
from app.engine.operators.values import (
    Span,
    Unclear,
    date_of,
    holds_of,
    kind_of,
    quantity_of,
    span_of,
)
from app.engine.operators.verdict import Operand, Undecided, Verdict
from app.engine.plan.comparison import Sense
from app.engine.plan.comparison import sense as sense_of
from app.engine.reading.words import content

_Value = TypeVar("_Value", When, Span, Quantity)

_OPENS_WHETHER = frozenset(
    ("are", "were", "is", "was", "do", "did", "does", "have", "has", "can", "could", "will")
)
_COMPARATIVE = re.compile(
    r"\b(?:(?P<older>older|oldest)|(?P<younger>younger|youngest)|(?P<newer>newer|newest)"
    r"|(?P<earlier>earlier|earliest|first|sooner|before)"
    r"|(?P<later>later|latest|last|(?:more|most) recent(?:ly)?|after))\b",
    re.IGNORECASE,
)
_ADJECTIVES = MappingProxyType(
    {"higher": "length", "taller": "length", "deeper": "length", "wider": "length",
     "heavier": "mass", "faster": "speed"}
)  # fmt: skip
_SCALES_TEXT = """
higher highest taller tallest deeper deepest wider widest heavier heaviest faster fastest larger
largest bigger biggest greater greatest longer longest smaller smallest shorter shortest lower
lowest lighter lightest slower slowest
"""
_SCALES = frozenset(_SCALES_TEXT.split())
_DIFFERENT = re.compile(r"\bdifferent\b", re.IGNORECASE)
_PLACED = re.compile(r"\b(?:located|situated|based|lie|lies|in the same)\b", re.IGNORECASE)


def compare(
    question: str, sense: Sense, operands: Sequence[Operand], asked: str
) -> Verdict | Undecided:
    """Compare the operands.

    Args:
        asked: The question without the names compared.
    """
    if len(operands) < 2:
        return Undecided("Only one value is known, so there is nothing to compare it with.")
    if sense == "both" and all(holds_of(operand) is None for operand in operands):
        sense = _asserted(asked)
    if sense in ("least", "most"):
        return _end(question, asked, sense == "least", operands)
    if sense == "equal" or _DIFFERENT.search(asked):
        return _equal(asked, operands)
    found = _held(asked, operands)
    return _both(operands, found) if sense == "both" else _which(operands, found)


def _end(
    question: str, asked: str, least: bool, operands: Sequence[Operand]
) -> Verdict | Undecided:
    """The operand at an end of a scale, or whether the first one is."""
    of = aspect(asked)
    if of == "life":
        spans = [span_of(operand) for operand in operands]
        said = "had the shorter life" if least else "lived longer"
        return _decided(operands, spans, least, _shorter, question, said)
    kind = kind_of(operands)
    if kind == "date" and not _measures(asked):
        whens = [date_of(operand, of) for operand in operands]
        return _decided(
            operands, whens, least, When.before, question, f"is {_said_date(asked, least)}"
        )
    if kind == "name":
        unread = next(o for o in operands if kind_of([o]) == "name")
        return Undecided(f"“{unread.text}” is neither a date nor a number.")
    said = _said_number(asked, least)
    dimension = _ADJECTIVES.get(said, "")
    numbers = [quantity_of(operand, dimension) for operand in operands]
    known = [one for one in numbers if isinstance(one, Quantity)]
    if any(not known[0].comparable(other) for other in known[1:]):
        return Undecided(f"{against(operands)} do not measure the same.")
    if of == "age" and re.search(r"\b(?:old|young)", asked, re.IGNORECASE):
        least = not least  # these are ages: the older has more years
    verb = f"is {said}" if said not in ("more", "fewer", "less") else f"has {said}"
    return _decided(operands, numbers, least, Quantity.below, question, verb)


def _asserted(asked: str) -> Sense:
    """The end of a scale at which a question puts its first name: "Is A older than B?"."""
    found = sense_of(f"which {asked}")
    if found != "which":
        return found
    if re.search(r"\b(?:before|sooner)\b", asked, re.IGNORECASE):
        return "least"
    return "most" if re.search(r"\bafter\b", asked, re.IGNORECASE) else "both"


def _shorter(one: Span, other: Span) -> bool:
    return one.most < other.least


def _decided(
    operands: Sequence[Operand],
    values: Sequence[_Value | Unclear],
    least: bool,
    below: Callable[[_Value, _Value], bool],
    question: str,
    said: str,
) -> Verdict | Undecided:
    known: list[_Value] = []
    for value in values:
        if isinstance(value, Unclear):
            return Undecided(f"{value.reason[0].upper()}{value.reason[1:]}.")
        known.append(value)
    places = range(len(known))
    ends = [
        place
        for place in places
        if all(
            below(known[place], known[other]) if least else below(known[other], known[place])
            for other in places
            if other != place
        )
    ]
    if not ends:
        return Undecided(f"{against(operands)} cannot be told apart at their precision.")
    best = operands[ends[0]]
    others = [operand for operand in operands if operand is not best]
    text = f"{best.name} {said}: {best.text} against {enumerated([o.text for o in others])}."
    short = best.name
    if _asserts(question):
        short = "yes" if ends[0] == _subject(question, operands) else "no"
        text = f"{short.capitalize()}: {text}"
    return Verdict(text, short, tuple(places))


def _asserts(question: str) -> bool:
    """Whether it asks for a yes or no: "Is A older than B?", but not "Was A or B first?"."""
    said = question.lower().split()
    return bool(said) and said[0] in _OPENS_WHETHER and "or" not in said


def _subject(question: str, operands: Sequence[Operand]) -> int:
    """Place of the operand that the question names first."""
    low = question.casefold()
    places = [low.find(operand.name.casefold()) for operand in operands]
    return min(range(len(operands)), key=lambda place: (places[place] < 0, places[place], place))


def _equal(asked: str, operands: Sequence[Operand]) -> Verdict | Undecided:
    equal = alike(asked, operands)
    if isinstance(equal, Unclear):
        return Undecided(f"{equal.reason[0].upper()}{equal.reason[1:]}.")
    texts = [operand.text for operand in operands]
    different = bool(_DIFFERENT.search(asked))
    short = "yes" if equal != different else "no"
    if equal and len(distinct(texts)) == 1:
        both = "Both are" if len(operands) == 2 else "All are"
        told = f"{both} {'in ' if _PLACED.search(asked) else ''}{texts[0]}."
        text = told if short == "yes" else f"No: {told[0].lower()}{told[1:]}"
    else:
        joint = enumerated(texts) if equal else against(operands)
        text = f"{short.capitalize()}: {joint}."
    return Verdict(text, short, tuple(range(len(operands))))


def _held(asked: str, operands: Sequence[Operand]) -> list[bool | None]:
    """For which of the operands the statement holds, by a yes or no, or by what their texts say."""
    said = [holds_of(operand) for operand in operands]
    if any(one is not None for one in said):
        return said
    wanted = frozenset(content(asked))
    places = countries(asked)
    matched = [
        bool(wanted & frozenset(content(o.text))) or bool(places & countries(o.text))
        for o in operands
    ]
    # What no text says may hold all the same.
    return list(matched) if any(matched) else [None] * len(operands)


def _both(operands: Sequence[Operand], found: Sequence[bool | None]) -> Verdict | Undecided:
    if all(found):
        text = f"Yes: it holds for {enumerated([o.name for o in operands])}."
        return Verdict(text, "yes", tuple(range(len(operands))))
    against = tuple(place for place, holds in enumerate(found) if holds is False)
    if against:
        names = enumerated([operands[place].name for place in against])
        return Verdict(f"No: it does not hold for {names}.", "no", against)
    return Undecided(f"It is not known whether it holds for {_open(operands, found)}.")


def _which(operands: Sequence[Operand], found: Sequence[bool | None]) -> Verdict | Undecided:
    if None in found:
        return Undecided(f"It is not known whether it holds for {_open(operands, found)}.")
    holding = [operand for operand, holds in zip(operands, found, strict=True) if holds]
    if len(holding) != 1:
        number = "none" if not holding else "several"
        return Undecided(f"It holds for {number} of them, not for one.")
    others = enumerated([operand.name for operand in operands if operand is not holding[0]])
    text = f"It holds for {holding[0].name}, and not for {others}."
    return Verdict(text, holding[0].name, tuple(range(len(operands))))


def _open(operands: Sequence[Operand], found: Sequence[bool | None]) -> str:
    names = [o.name for o, holds in zip(operands, found, strict=True) if holds is None]
    return enumerated(names)


def _measures(asked: str) -> bool:
    return any(word in _SCALES for word in asked.lower().split())


def _said_date(asked: str, least: bool) -> str:
    match = _COMPARATIVE.search(asked)
    if match and match.lastgroup in ("older", "younger", "newer"):
        return match.lastgroup
    return "earlier" if least else "later"


def _said_number(asked: str, least: bool) -> str:
    for word in re.findall(r"[a-z]+", asked.lower()):
        if word in _SCALES:
            return f"{word.removesuffix('est')}er" if word.endswith("est") else word
        if word in ("fewer", "fewest"):
            return "fewer"
    return "less" if least else "more"
