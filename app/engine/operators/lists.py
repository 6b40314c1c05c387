"""Counts, intersects and unites the answers of nodes, each thing once whatever it is called."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.engine.operators.names import distinct, enumerated, listed, same
from app.engine.operators.quantities import quantities
from app.engine.operators.verdict import Operand, Undecided, Verdict

_NOTHING = re.compile(r"\W*(?:none|nothing|nobody|no one|unknown)?\W*", re.IGNORECASE)
_NUMBER_ONLY = 4
"""Words of a text that tells a number and enumerates nothing: "about 12 red boats"."""


def count(operands: Sequence[Operand]) -> Verdict | Undecided:
    """How many things the operands name; a single number is the count itself."""
    if len(operands) == 1 and not operands[0].texts:
        told = quantities(operands[0].text)
        if len(told) == 1 and len(operands[0].text.split()) <= _NUMBER_ONLY:
            return Verdict(f"{operands[0].text.strip(' .')}.", _digits(operands[0].text), (0,))
    found = distinct([item for operand in operands for item in items(operand)])
    if not found:
        return Undecided("Nothing was named that could be counted.")
    used = tuple(place for place, operand in enumerate(operands) if items(operand))
    return Verdict(f"{len(found)}: {enumerated(found)}.", str(len(found)), used)


def intersect(operands: Sequence[Operand]) -> Verdict | Undecided:
    """What all operands name.

    Lists that rules or a model found are hardly ever complete, so that nothing in common says
    nothing.
    """
    first, *others = [distinct(items(operand)) for operand in operands]
    found = [
        item for item in first if all(any(same(item, one) for one in other) for other in others)
    ]
    if not found:
        return Undecided("The answers have nothing in common.")
    named = enumerated(found)
    return Verdict(f"In all of them: {named}.", named, tuple(range(len(operands))))


def union(operands: Sequence[Operand]) -> Verdict | Undecided:
    """What any operand names, in order."""
    found = distinct([item for operand in operands for item in items(operand)])
    if not found:
        return Undecided("Nothing was named.")
    used = tuple(place for place, operand in enumerate(operands) if items(operand))
    return Verdict(f"{len(found)} in all: {enumerated(found)}.", enumerated(found), used)


def items(operand: Operand) -> tuple[str, ...]:
    """The things an operand names."""
    named = operand.texts or listed(operand.text)
    return tuple(item.strip() for item in named if not _NOTHING.fullmatch(item))


def _digits(text: str) -> str:
    told = quantities(text)[0]
    quantity = told.quantity
    if quantity.exact and not quantity.dimension:
        return f"{quantity.low.normalize():f}"
    return text.strip(" .")
