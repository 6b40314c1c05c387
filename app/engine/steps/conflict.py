"""Two documents that give different dates or numbers for the same thing.

Only what can be compared is: values that overlap ("1912", "3 May 1912") or that have other
dimensions do not contradict each other. Both sentences must hold the same words of the question,
so that they speak of the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.engine.operators.dates import dates
from app.engine.operators.quantities import quantities
from app.engine.reading.choice import Sentences
from app.engine.reading.question import Asked
from app.engine.reading.short import Short
from retrievers.types import Chunk

LEAST_SHARE = 0.03
"""Probability of the rival as a share of the likeliest value's, below which it is no rival."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The likeliest value and one that contradicts it, with the rows of their sentences."""

    values: tuple[str, str]
    rows: tuple[int, int]


def conflict(
    asked: Asked, sentences: Sentences, chunks: Sequence[Chunk], found: Sequence[Short]
) -> Conflict | None:
    """The first rival of the likeliest value that contradicts it.

    Args:
        chunks: Of the passages of `sentences`, in their order.
        found: Possible short answers, most probable first.
    """
    if asked.kind not in ("date", "number") or len(found) < 2:
        return None
    best = found[0]
    row = _row(sentences, best)
    if row is None or not sentences.held[row]:
        return None
    for rival in found[1:]:
        other = _row(sentences, rival)
        if rival.probability < LEAST_SHARE * best.probability:
            return None
        if other is None or sentences.held[other] != sentences.held[row]:
            continue
        apart = chunks[rival.passage].document_id != chunks[best.passage].document_id
        if apart and _contradict(asked.kind, best.text, rival.text):
            return Conflict((best.text, rival.text), (row, other))
    return None


def _row(sentences: Sentences, short: Short) -> int | None:
    for row, (p, n) in enumerate(sentences.places):
        line = sentences.passages[p].lines[n]
        if p == short.passage and line.start <= short.start and short.end <= line.end:
            return row
    return None


def _contradict(kind: str, one: str, other: str) -> bool:
    if kind == "date":
        days, others = dates(one), dates(other)
        if len(days) != 1 or len(others) != 1:
            return False
        a, b = days[0].when, others[0].when
        return a.before(b) or b.before(a)
    sizes, rivals = quantities(one), quantities(other)
    if len(sizes) != 1 or len(rivals) != 1:
        return False
    x, y = sizes[0].quantity, rivals[0].quantity
    return x.comparable(y) and (x.below(y) or y.below(x))
