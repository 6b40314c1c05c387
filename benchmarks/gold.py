"""Gold sub-questions of a set, and the plan that they make."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.sets import question_rows

_REFERENCE = re.compile(r"#(\d+)")


@dataclass(frozen=True, slots=True)
class Hop:
    """A gold sub-question; `#1` in it stands for the first one's answer."""

    text: str
    answer: str
    document_id: str


@dataclass(frozen=True, slots=True)
class Gold:
    """All that is known of a question."""

    question: str
    answers: tuple[str, ...]
    hops: tuple[Hop, ...]


def golds(data: Path, name: str) -> dict[str, Gold]:
    """By the question's id; empty for sets without gold sub-questions."""
    found = {}
    for row in question_rows(data, name):
        hops = tuple(
            Hop(hop["question"], hop["answer"], hop["supporting_id"])
            for hop in row.get("decomposition") or ()
        )
        if hops:
            found[row["id"]] = Gold(row["question"], tuple(row["answers"]), hops)
    return found


def nodes(gold: Gold) -> list[dict[str, Any]]:
    """The gold plan as a model would write it."""
    needed = {id for hop in gold.hops for id in _REFERENCE.findall(hop.text)}
    loose = [str(k) for k in range(1, len(gold.hops)) if str(k) not in needed]
    made = []
    for number, hop in enumerate(gold.hops, 1):
        last = number == len(gold.hops)
        text = " ".join([hop.text, *(f"#{id}" for id in loose if last)])
        needs = list(dict.fromkeys(_REFERENCE.findall(text)))
        made.append(
            {"id": str(number), "text": text, "needs": needs, "op": "retrieve", "expects": "text"}
        )
    return made
