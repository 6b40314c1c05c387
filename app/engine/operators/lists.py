"""Operators over lists: how many there are, what is in all of them, what is in any."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.engine.operators import names
from app.engine.operators.outcome import Operand, Undecided, Verdict

_LIST = re.compile(r"\s*;\s*|,\s*(?:and\s+)?")


def count(operands: Sequence[Operand]) -> Verdict | Undecided:
    """How many distinct names the operands hold together."""
    lists = [_items(one) for one in operands]
    if not all(lists):
        return Undecided("one value is not a list, so it cannot be counted")
    found = names.distinct(name for items in lists for name in items)
    return Verdict(f"{len(found)}: {', '.join(found)}.", str(len(found)), _all(operands))


def union(operands: Sequence[Operand]) -> Verdict | Undecided:
    """Every distinct name, in the order of the operands."""
    found = names.distinct(name for one in operands for name in _items(one) or [one.text])
    if not found:
        return Undecided("the lists hold no names")
    said = ", ".join(found)
    return Verdict(f"{said}.", said, _all(operands))


def intersect(operands: Sequence[Operand]) -> Verdict | Undecided:
    """What stands in every list, the best placed first.

    Where one thing is better placed than all others it is the short answer; where two are equally
    good, all are. That nothing is common is no answer: lists that were found may lack names.
    """
    lists = [names.distinct(_items(one) or [one.text]) for one in operands]
    common: list[tuple[int, str]] = []
    for name in lists[0]:
        places = [names.place(name, other) for other in lists]
        if None not in places:
            common.append((sum(place for place in places if place is not None), name))
    if not common:
        return Undecided("nothing stands in all lists")
    common.sort(key=lambda one: one[0])
    said = ", ".join(name for _, name in common)
    alone = len(common) == 1 or common[0][0] < common[1][0]
    short = common[0][1] if alone else said
    return Verdict(f"In all lists: {said}.", short, _all(operands))


def _items(operand: Operand) -> list[str]:
    """The list an operand holds; empty if it is a single value."""
    if operand.texts:
        return [text for text in operand.texts if text.strip()]
    parts = [part for part in _LIST.split(operand.text) if part.strip()]
    # "Paris, Norland" is one place; three parts or a semicolon make a list.
    return parts if len(parts) > 2 or ";" in operand.text else []


def _all(operands: Sequence[Operand]) -> tuple[int, ...]:
    return tuple(range(len(operands)))
