"""What operators take and give."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operand:
    """The answer of a node that an operator needs."""

    name: str
    """What the value is about, as the question says it: "Alpha Bridge". Where the value is one of
    something behind it ("the film whose director …"), the name that the question compares."""
    text: str  # the value as its passage writes it: "3 May 1912"
    texts: tuple[str, ...] = ()  # all values, where the answer is a list


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the values say."""

    text: str  # one sentence that shows the values
    short: str  # "Alpha Bridge", "yes", "3"
    used: tuple[int, ...]  # places of the operands it rests on


@dataclass(frozen=True, slots=True)
class Undecided:
    """The values do not say it; the reason is one readable sentence."""

    reason: str
