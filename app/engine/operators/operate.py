"""Operators of a plan, computed in code: never a coin toss, and never a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from app.domain.plan import Op
from app.engine.operators.arithmetic import arithmetic
from app.engine.operators.compare import compare
from app.engine.operators.lists import count, intersect, union
from app.engine.operators.verdict import Operand, Undecided, Verdict
from app.engine.plan.comparison import Sense
from app.engine.plan.comparison import sense as sense_of
from app.engine.reading.question import names
from app.engine.reading.words import words

__all__ = ["Operand", "Undecided", "Verdict", "operate"]

_EDGES = ' ,;:?"“”'


def operate(
    op: Op, question: str, sense: Sense | None, operands: Sequence[Operand]
) -> Verdict | Undecided:
    """What the operator makes of its operands.

    Args:
        sense: What decides a comparison; None where the question's words must say it.
        operands: In the order of the node's needs.
    """
    known = [replace(operand, name=_called(operand.name, question)) for operand in operands]
    known = [replace(operand, text=operand.text.strip()) for operand in known]
    if not known or any(not (operand.text or operand.texts) for operand in known):
        return Undecided("A value is missing.")
    if op == "compare":
        asked = _without(question, [operand.name for operand in known])
        return compare(question, sense or sense_of(asked), known, asked)
    if op == "count":
        return count(known)
    if op == "intersect":
        return intersect(known)
    if op == "union":
        return union(known)
    if op == "arithmetic":
        return arithmetic(question, known)
    return Undecided(f"Nothing can be computed by “{op}”.")


def _called(name: str, question: str) -> str:
    """The name as the question says it; of a sub-question the longest name in it that does."""
    name = name.strip(_EDGES)
    if name.casefold() in question.casefold():
        return name
    held = [one for one in names(name, words(name)) if one.casefold() in question.casefold()]
    return max(held, key=len, default=name)


def _without(question: str, names: Sequence[str]) -> str:
    """The question without the names compared: "First Blood" asks for nothing."""
    for name in sorted(names, key=len, reverse=True):
        if name:
            question = re.sub(re.escape(name), " ", question, flags=re.IGNORECASE)
    return " ".join(question.split())
