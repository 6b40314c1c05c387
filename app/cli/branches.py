"""JSON values of any shape as branches of a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text
from rich.tree import Tree

from app.cli.legible import legible

MOST = 12
"""Entries of one list that are shown."""
LONGEST = 300
"""Characters of one text that are shown."""
DEEPEST = 12


class Members:
    """The members of an object, each to be taken once; anything else is one without a name."""

    def __init__(self, value: Any) -> None:
        self._left: dict[str, Any]
        if isinstance(value, Mapping):
            self._left = {str(name): member for name, member in value.items()}
        else:
            self._left = {} if value is None else {"": value}

    def take(self, name: str) -> Any:
        """The member's value; None if there is none any more."""
        return self._left.pop(name, None)

    def rest(self, branch: Tree) -> None:
        """Show what was not taken."""
        for name, value in self._left.items():
            anything(branch, name, value)
        self._left = {}


def anything(branch: Tree, name: str, value: Any, depth: int = 0) -> None:
    """A member of any shape: a flat one in one line, another as a branch, an empty one not."""
    if _empty(value):
        return
    title = f"{name}:" if name else None
    if depth >= DEEPEST or _flat(value):
        branch.add(line(title, inline(value)))
        return
    made = branch.add(line(title))
    if isinstance(value, Mapping):
        for key, member in value.items():
            anything(made, str(key), member, depth + 1)
        return
    for place, member in enumerate(value[:MOST], 1):
        anything(made, str(place), member, depth + 1)
    if left := _left_out(value):
        made.add(line(left.strip()))


def line(*parts: Any) -> Text:
    """Parts of one line, the first of them set off; None and empty ones are left out."""
    shown = [short(part) for part in parts if not _empty(part)]
    made = Text(shown[0] if shown else "…", style="bold")
    for part in shown[1:]:
        made.append(f" {part}", style="not bold")
    return made


def note(*parts: Any) -> str | None:
    """What is added in parentheses; None without anything."""
    shown = ": ".join(short(part) for part in parts if not _empty(part))
    return f"({shown})" if shown else None


def measured(value: Any, unit: str) -> str | None:
    """A number with its unit; None stays None."""
    return None if value is None else f"{short(value)} {unit}"


def entries(value: Any) -> list[Any]:
    """A list as it is, nothing as an empty one, anything else as the only entry."""
    if isinstance(value, list | tuple):
        return list(value)
    return [] if value is None else [value]


def inline(value: Any) -> str:
    """A flat value in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{short(key)} {short(member)}" for key, member in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(short(member) for member in value[:MOST]) + _left_out(value)
    return short(value)


def short(value: Any) -> str:
    """One line of limited length; four digits of a fraction."""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = " ".join(legible(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _left_out(values: Sequence[Any]) -> str:
    return f" … {len(values) - MOST} more" if len(values) > MOST else ""


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | Mapping | list | tuple) and not value)


def _flat(value: Any) -> bool:
    if not isinstance(value, Mapping | list | tuple):
        return True
    members = value.values() if isinstance(value, Mapping) else value
    return not any(isinstance(member, Mapping | list | tuple) for member in members)
