"""Says in words what rows of a table hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from app.engine.sanitise import sanitise
from retrievers.types import Rows

_AGGREGATE = re.compile(r"^(count|sum|avg|min|max|total)\s*\(\s*(?:distinct\s+)?(.*?)\s*\)$", re.I)
_SPOKEN = {"avg": "average", "min": "lowest", "max": "highest", "sum": "total"}
_PREFIX = re.compile(r"^(avg|min|max|sum)_(?=\w)", re.I)
_FROM = re.compile(r"\bFROM\s+[\"`\[]?(\w+)", re.I)


@dataclass(frozen=True, slots=True)
class RowsOptions:
    """How much of a result is said; all of it is in the citation."""

    rows: int = 10
    cell: int = 200  # characters
    listed: int = 5  # values of one column that still make a short answer


@dataclass(frozen=True, slots=True)
class Told:
    """A statement about rows, and the cell (or few cells) that answer shortly."""

    text: str
    short: str | None


def tell(found: Rows, options: RowsOptions | None = None) -> Told | None:
    """Put rows into words; None where they hold nothing (no row, or only nulls).

    One cell becomes "label: value", one row "label: value; label: value", one column a list, and a
    table one line a row. Nulls are left out of lists and named elsewhere.
    """
    options = options or RowsOptions()
    if not any(cell is not None for row in found.rows for cell in row):
        return None
    labels = [label(column) for column in found.columns]
    if len(found.rows) == 1:
        cells = [said(cell, options.cell) for cell in found.rows[0]]
        if labels == ["count"] and (counted := _FROM.search(found.statement)):
            labels = [f"count of {label(counted.group(1))}"]
        text = "; ".join(f"{name}: {cell}" for name, cell in zip(labels, cells, strict=True))
        return Told(text, _leading(found.rows[0], cells))
    left = _left_out(found, options.rows)
    if len(labels) == 1:
        values = [said(row[0], options.cell) for row in found.rows if row[0] is not None]
        shown = values[: options.rows]
        short = ", ".join(values) if len(values) <= options.listed and not left else None
        return Told(f"{labels[0]}: {', '.join(shown)}{left}", short)
    lines = [
        "; ".join(
            f"{name}: {said(cell, options.cell)}" for name, cell in zip(labels, row, strict=True)
        )
        for row in found.rows[: options.rows]
    ]
    return Told("\n".join(f"- {line}" for line in lines) + left, None)


def label(column: str) -> str:
    """A column's name as a reader says it: "count", "average price", "opened on"."""
    name = sanitise(column).strip("\"`'[] ")
    if match := _AGGREGATE.match(name):
        function, inner = match.group(1).lower(), match.group(2).strip("\"`'[]")
        inner = "" if inner == "*" else inner.rsplit(".", 1)[-1].strip("\"`'[]")
        spoken = _SPOKEN.get(function, function)
        name = f"{spoken} of {inner}" if inner and function == "count" else f"{spoken} {inner}"
    name = _PREFIX.sub(lambda match: f"{_SPOKEN[match.group(1).lower()]} ", name)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.replace("_", " "))
    return " ".join(name.lower().split()) or "value"


def said(value: Any, longest: int = 200) -> str:
    """A cell as text: whole numbers without a fraction, at most six decimals, null as "none"."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else repr(value)
    # Cut before cleaning: a cell may be as large as the whole result may be.
    text = " ".join(sanitise(str(value)[: 20 * longest]).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _leading(row: tuple[Any, ...], cells: list[str]) -> str | None:
    """The answering cell of one row: its only one, or the name beside a number."""
    if len(row) == 1:
        return cells[0]
    if len(row) == 2 and isinstance(row[0], str) and not isinstance(row[1], str):
        return cells[0]
    return None


def _left_out(found: Rows, shown: int) -> str:
    more = len(found.rows) - shown
    if found.truncated:
        return f" (the first {min(shown, len(found.rows))} rows; there are more)"
    return f" ({more} more rows)" if more > 1 else " (1 more row)" if more == 1 else ""
