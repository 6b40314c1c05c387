"""Operators of a plan, computed in code: a decision with its values, or a reason why there is none.

Nothing is guessed: values that overlap, that have other dimensions or that cannot be read leave the
question open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.domain.plan import Op
from app.engine.operators import arithmetic, compare, lists, names
from app.engine.operators.outcome import Operand, Undecided, Verdict
from app.engine.plan.comparison import Sense
from app.engine.reading.passage import mentions
from app.engine.reading.question import asked

__all__ = ["Operand", "Undecided", "Verdict", "operate"]


def operate(
    op: Op, question: str, sense: Sense | None, operands: Sequence[Operand]
) -> Verdict | Undecided:
    """Apply an operator to the answers it needs.

    Args:
        question: The whole question; says what is compared or computed.
        sense: What decides a comparison; None: the question's words say it.
    """
    if not operands or any(not (one.text.strip() or one.texts) for one in operands):
        return Undecided("a value is missing")
    operands = [_named(question, one) for one in operands]
    if op == "compare":
        return compare.compare(question, sense, operands)
    if op == "arithmetic":
        return arithmetic.arithmetic(question, operands)
    if op == "count":
        return lists.count(operands)
    if op == "intersect":
        return lists.intersect(operands)
    if op == "union":
        return lists.union(operands)
    return Undecided(f"{op} is no operator over answers")


def _named(question: str, operand: Operand) -> Operand:
    """The operand under its name in the question: "the birth of Ada Bell" is Ada Bell's."""
    said = names.folded(question)
    if mentions(said, names.folded(operand.name)):
        return operand
    inner = [n for n in asked(operand.name).names if mentions(said, names.folded(n))]
    return replace(operand, name=max(inner, key=len)) if inner else operand
