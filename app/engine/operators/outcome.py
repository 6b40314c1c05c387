"""What operators work on and what they make of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operand:
    """A value that an operator works on.

    Args:
        name: What the value is of, as the question says it.
        text: The value as read.
        texts: All values, best first, where there may be several.
    """

    name: str
    text: str
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was computed."""

    text: str
    """One plain sentence that shows the values."""
    short: str
    used: tuple[int, ...]
    """Places of the operands that it rests on."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """Nothing was computed, and why."""

    reason: str
