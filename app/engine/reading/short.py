"""Reads a short answer out of the chosen sentences: the span that looks and stands right.

Only dates, numbers, persons, places and other names are read. Where no span is clearly the best,
there is no short answer: the sentences stand for themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.engine.reading.choice import Links, Sentences
from app.engine.reading.passage import folded
from app.engine.reading.question import Asked
from app.engine.reading.scoring import ShortOptions, SpanScorer
from app.engine.reading.spans import Span


@dataclass(frozen=True, slots=True)
class Short:
    """A short answer and where it stands; offsets are into the passage's text."""

    passage: int
    start: int
    end: int
    text: str
    probability: float


def short_answer(
    asked: Asked, sentences: Sentences, picks: Sequence[int], options: ShortOptions | None = None
) -> Short | None:
    """The best span, if its probability reaches the floor of the question's kind."""
    return certain(asked, candidates(asked, sentences, picks, options), options)


def certain(
    asked: Asked, found: Sequence[Short], options: ShortOptions | None = None
) -> Short | None:
    """The first of these candidates, if its probability reaches the floor of the kind."""
    options = options or ShortOptions()
    if found and found[0].probability >= options.floors.get(asked.kind, 2.0):
        return found[0]
    return None


def candidates(
    asked: Asked, sentences: Sentences, picks: Sequence[int], options: ShortOptions | None = None
) -> list[Short]:
    """Distinct spans of the asked kind, most probable first; equal texts add up.

    A choice between things the question itself names ("older, A or B?") has no candidates: it
    needs a comparison, not a reading.
    """
    options = options or ShortOptions()
    if not picks or _compares(asked):
        return []
    best = np.argsort(-sentences.worth, kind="stable")[: options.more_sentences]
    rows = list(dict.fromkeys([*picks, *(int(row) for row in best)]))
    links = Links(asked, sentences)
    spots: list[tuple[int, Span]] = []
    scores: list[float] = []
    for order, row in enumerate(rows):
        reader = SpanScorer(asked, sentences, picks, row, order, links, options)
        for span in reader.spans():
            spots.append((sentences.places[row][0], span))
            scores.append(reader.score(span))
    if not spots:
        return []
    values = np.round(np.array([*scores, options.nothing.get(asked.kind, 0.0)]), 6)
    shares = np.exp(values - values.max())
    shares = (shares / shares.sum())[:-1]
    total: dict[str, float] = defaultdict(float)
    first: dict[str, Short] = {}
    for (p, span), share in sorted(zip(spots, shares, strict=True), key=lambda item: -item[1]):
        said = sentences.passages[p].text[span.start : span.end]
        total[folded(said)] += float(share)
        first.setdefault(folded(said), Short(p, span.start, span.end, said, 0.0))
    made = [
        Short(found.passage, found.start, found.end, found.text, total[key])
        for key, found in first.items()
        if key
    ]
    return sorted(made, key=lambda short: -short.probability)


def _compares(asked: Asked) -> bool:
    return " or " in asked.text.lower() and len(asked.names) > 1
