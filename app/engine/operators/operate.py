"""Stand-in until operators are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.plan import Op
from app.engine.plan.comparison import Sense


@dataclass(frozen=True, slots=True)
class Operand:
    name: str
    text: str
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    text: str
    short: str
    used: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Undecided:
    reason: str


def operate(
    op: Op, question: str, sense: Sense | None, operands: Sequence[Operand]
) -> Verdict | Undecided:
    return Undecided("not built")
