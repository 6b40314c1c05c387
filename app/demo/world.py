"""The river Ondrey and the town of Hallowmere, written for this project."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from app.domain.answer import Status
from app.domain.documents import Source

_MEDIA_TYPES = {
    ".md": "text/markdown",
    ".html": "text/html",
    ".json": "application/json",
    ".txt": "text/plain",
}


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A question that shows one thing, and what the answer should look like."""

    question: str
    shows: str
    channel: str
    """The channel that this question needs most; "" where no channel can help."""
    status: Status
    expected: tuple[str, ...] = ()
    """Parts of the right answer, each in a cited statement."""


QUESTIONS: tuple[Demonstration, ...] = (
    Demonstration(
        "What should households do with their belongings when high water comes?",
        "meaning: the text says it in other words",
        "vector",
        "answered",
        ("carry furniture to the upper floor",),
    ),
    Demonstration(
        "Who was the father of the engineer who designed the Nine Heron Bridge?",
        "two steps: one document names the engineer, another her father",
        "graph",
        "answered",
        ("Isaura Venn", "Tobias Venn"),
    ),
    Demonstration(
        "How many newton metres does the collar of HV-2207 take?",
        "an exact part number, beside one that differs in two digits",
        "fulltext",
        "answered",
        ("84 newton metres",),
    ),
    Demonstration(
        "What is the total amount of tolls paid by the boat Marigold?",
        "a sum over two tables",
        "sql",
        "answered",
        ("94",),
    ),
    Demonstration(
        "When was the railway line from Hallowmere to Port Sennet electrified?",
        "what nobody wrote down is not made up",
        "",
        "unanswerable",
    ),
)


def documents() -> list[Source]:
    """The documents in the order of their ids, as the bytes of files yet to be parsed."""
    return [
        Source(
            id=Path(entry.name).stem,
            title="",
            media_type=_MEDIA_TYPES[Path(entry.name).suffix],
            content=entry.read_bytes(),
            metadata={"filename": entry.name},
        )
        for entry in sorted(_world().iterdir(), key=lambda entry: entry.name)
        if Path(entry.name).suffix in _MEDIA_TYPES
    ]


def build_database(path: Path) -> None:
    """Write the town's tables to a new SQLite file; one that is there is replaced."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((_world() / "tables.sql").read_text(encoding="utf-8"))
        connection.commit()


def _world() -> Traversable:
    return files("app.demo") / "world"
