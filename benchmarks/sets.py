"""Reads the public question sets the benchmarks use; nothing of them is kept in the project."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its gold passages and accepted answers."""

    id: str
    text: str
    gold: frozenset[str]
    answers: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage of a corpus."""

    id: str
    title: str
    text: str


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        sys.exit(
            f"benchmarks: {path} is not there; give the folder that holds the sets with --data"
        )
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def corpus(data: Path, name: str) -> list[Passage]:
    """All passages of a set, in the order of its file."""
    return [
        Passage(row["id"], row["title"], row["text"])
        for row in _lines(data / name / "corpus.jsonl.gz")
    ]


def question_rows(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """The questions of a set as its file has them, also those without gold passages."""
    return _lines(data / name / "questions.jsonl.gz")


def questions(data: Path, name: str) -> list[Question]:
    """The questions of a set whose gold passages are complete."""
    known = {passage.id for passage in corpus(data, name)}
    found = []
    for row in question_rows(data, name):
        gold = frozenset(_as_in_corpus(known, gold_id) for gold_id in row["supporting_ids"])
        if gold and row.get("supporting_complete", True):
            found.append(
                Question(
                    row["id"], row["question"], gold, tuple(row["answers"]), row.get("type") or ""
                )
            )
    return found


def _as_in_corpus(known: set[str], gold_id: str) -> str:
    # cacm pads the numbers of its judgements differently from those of its corpus.
    if gold_id in known:
        return gold_id
    prefix, _, number = gold_id.rpartition("-")
    return next(
        name for name in (f"{prefix}-{int(number)}", f"{prefix}-{int(number):04d}") if name in known
    )
