"""What commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table


def out() -> Console:
    """For results."""
    return _console(stderr=False)


def err() -> Console:
    """For progress and remarks."""
    return _console(stderr=True)


def _console(stderr: bool) -> Console:
    made = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not made.is_terminal:
        made.width = 200  # a table in a pipe is for grep: one entry, one line
    return made


@contextmanager
def progress() -> Iterator[Progress]:
    """Progress bars on stderr; nothing is drawn where that is no terminal."""
    console = err()
    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bars:
        yield bars


def table(*columns: str) -> Table:
    """An empty table in the house's look."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def plain(value: Any) -> str:
    """Text for a cell, never taken for markup."""
    return str(value).replace("[", r"\[")
