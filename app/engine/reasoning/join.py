"""Where branches of a plan meet: operators, computed in code from the answers they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.plan import SubQuestion
from app.engine.operators.operate import Operand, Undecided, Verdict, operate
from app.engine.reasoning.found import Sub
from app.engine.steps.plan import Planning


@dataclass(frozen=True, slots=True)
class Joined:
    """What an operator made of the answers it needs."""

    node: SubQuestion
    operands: tuple[Sub, ...]  # those the verdict rests on
    result: Verdict | Undecided
    complete: bool = True
    """Whether every answer it needs was there."""

    @property
    def answer(self) -> Sub | None:
        """The verdict as an answer that later nodes may need."""
        if isinstance(self.result, Undecided):
            return None
        return Sub(
            self.result.short,
            min((sub.support for sub in self.operands), default=0.0),
            all(sub.trusted for sub in self.operands),
            tuple(pick for sub in self.operands for pick in sub.picks),
            tables=tuple(table for sub in self.operands for table in sub.tables),
        )


def join(
    node: SubQuestion,
    question: str,
    planning: Planning,
    answers: Mapping[str, Sub],
    texts: Mapping[str, str],
) -> Joined:
    """Operate on the answers of the nodes that this one needs.

    Args:
        answers: By node; those without an answer are missing.
        texts: Of the nodes, with their references filled in: the names of unnamed operands.
    """
    missing = [id for id in node.needs if id not in answers]
    if missing:
        reason = f"there is no answer to node {', '.join(missing)}"
        return Joined(node, (), Undecided(reason), complete=False)
    named = planning.operands if len(planning.operands) == len(node.needs) else ()
    subs = [answers[id] for id in node.needs]
    operands = [
        Operand(named[place] if named else texts.get(id, ""), sub.text, sub.texts)
        for place, (id, sub) in enumerate(zip(node.needs, subs, strict=True))
    ]
    result = operate(node.op, question, planning.sense, operands)
    used = result.used if isinstance(result, Verdict) else ()
    return Joined(node, tuple(subs[place] for place in used), result)
