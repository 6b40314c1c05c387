"""Chooses the sentences that answer: one after another, each for what it adds to the others.

The first is the sentence that fits the whole question best. A later one is worth more if it covers
words of the question that no chosen passage covers, or stands in a passage whose title a chosen
sentence names (the bridge of a multi-hop question).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from app.engine.reading.passage import Passage, folded, mentions
from app.engine.reading.question import Asked, Kind
from app.engine.reading.relations import RELATED
from app.engine.reading.spans import holds

Vector = npt.NDArray[np.float64]
_LOOKS: Mapping[Kind, float] = MappingProxyType(
    {"date": 1.2, "number": 2.0, "person": 1.1, "place": 0.8, "name": 0.6}
)


@dataclass(frozen=True, slots=True)
class ChoiceOptions:
    """Weights of a conditional logit over sentences.

    Fitted on half of the development questions of XQuAD, MuSiQue, HotpotQA and 2WikiMultihopQA
    and rounded. A question's words weigh by their rarity among the sentences that were read.
    """

    cover: float = 7.7  # the question's weight in the sentence itself
    title_cover: float = 2.7  # what the passage's title and the line's heading add
    previous_cover: float = 1.6  # what the sentence before it adds
    related: float = 2.2  # words of the question met by a related word ("father": "son")
    pairs: float = 0.9  # neighbouring words of the question that are neighbours here too
    looks: Mapping[Kind, float] = field(default_factory=lambda: _LOOKS)
    """Holding something of the asked kind that the question does not say itself."""
    head: float = 0.3  # naming what is asked for ("which red *bridge*")
    rank: float = -2.0  # per ln(1 + places before the passage)
    place: float = -1.75  # per eighth sentence into the passage
    length: float = 0.3  # per ln(1 + words)
    gap: float = 1.6  # per cosine below the nearest passage's (MiniLM's scale)

    step_worth: float = 0.63  # of the worth above, relative to the best sentence
    step_new: float = 4.2  # weight of the question that no chosen passage covers
    step_related: float = 1.0  # the same, met by a related word
    step_again: float = -1.7  # weight of the question that a chosen passage covers too
    step_link: float = 3.1  # a chosen sentence names this passage
    step_same: float = -1.6  # same passage as a chosen sentence
    step_next: float = 0.7  # neighbour of a chosen sentence
    step_look: float = 0.6
    step_rank: float = -0.55
    step_named: float = 1.15  # the question names this passage
    step_gap: float = 0.4
    step_gap_alone: float = 4.1  # the same where neither question nor choice names the passage
    stop: float = -3.8
    stop_count: float = 1.1  # per sentence chosen
    most: int = 4


@dataclass(frozen=True, slots=True)
class Sentences:
    """Every sentence that was read, in the order of passages and lines, with its worth."""

    passages: tuple[Passage, ...]
    places: tuple[tuple[int, int], ...]  # (passage, line)
    held: tuple[frozenset[str], ...]  # the question's terms in the line, its heading or title
    looks: Vector  # (n,) 1 where something of the asked kind stands
    worth: Vector  # (n,)
    shares: Vector  # (n,) softmax of worth: the probability that this one answers
    gaps: tuple[float, ...]  # per passage: its cosine below the nearest's, 0 where unknown
    weights: Mapping[str, float]
    """Weight of each of the question's terms, by rarity among these sentences; sums to 1."""


def score(
    asked: Asked,
    passages: Sequence[Passage],
    cosines: Sequence[float | None] = (),
    options: ChoiceOptions | None = None,
) -> Sentences:
    """Weigh every sentence of the passages, which stand best first.

    Args:
        cosines: Similarity of the question and each passage; None where unknown. Empty if they are
            not on the scale the weights were fitted on.
    """
    options = options or ChoiceOptions()
    gaps = _gaps(cosines, len(passages))
    terms = frozenset(asked.terms)
    places = tuple((p, n) for p, passage in enumerate(passages) for n in range(len(passage.lines)))
    held = tuple(
        (passages[p].lines[n].stems | passages[p].lines[n].above | passages[p].title_stems) & terms
        for p, n in places
    )
    weights = _weights(asked.terms, held)
    worth, looks = np.zeros(len(places)), np.zeros(len(places))
    for row, (p, n) in enumerate(places):
        passage, line = passages[p], passages[p].lines[n]
        own = line.stems & terms
        before = (passage.lines[n - 1].stems & terms) - held[row] if n else frozenset()
        looks[row] = holds(asked.kind, passage.text, line.start, line.end, terms)
        worth[row] = (
            options.cover * _sum(weights, own)
            + options.title_cover * _sum(weights, held[row] - own)
            + options.previous_cover * _sum(weights, before)
            + options.related * _sum(weights, _related(terms, line.stems))
            + options.pairs * len(asked.pairs & line.pairs) / max(1, len(asked.pairs))
            + options.looks.get(asked.kind, 0.0) * looks[row]
            + options.head * (not asked.head.isdisjoint(line.stems))
            + options.rank * math.log(1 + p)
            + options.place * min(n, 8) / 8
            + options.length * math.log(1 + len(line.words))
            + options.gap * gaps[p]
        )
    # Rounded, so that ties are ties on every machine; they go to the earlier sentence.
    worth = np.round(worth, 6)
    shares = np.exp(worth - worth.max(initial=-np.inf)) if len(worth) else worth
    shares = shares / shares.sum() if len(shares) else shares
    return Sentences(tuple(passages), places, held, looks, worth, shares, gaps, weights)


def choose(asked: Asked, sentences: Sentences, options: ChoiceOptions | None = None) -> list[int]:
    """Rows of the chosen sentences in the order of choice; at least one if any was read."""
    options = options or ChoiceOptions()
    if not sentences.places:
        return []
    picks = [int(np.argmax(sentences.worth))]
    links = Links(asked, sentences)
    while len(picks) < min(options.most, len(sentences.places)):
        steps = _steps(sentences, picks, links, options)
        best = int(np.argmax(steps))
        if steps[best] < options.stop + options.stop_count * len(picks):
            break
        picks.append(best)
    return picks


def _steps(
    sentences: Sentences,
    picks: Sequence[int],
    links: Links,
    options: ChoiceOptions,
) -> Vector:
    linked = links.to(picks)
    covered = frozenset().union(*(sentences.held[row] for row in picks))
    fresh = frozenset(sentences.weights) - covered
    used = {sentences.places[row][0] for row in picks}
    chosen = {sentences.places[row] for row in picks}
    steps = options.step_worth * (sentences.worth - sentences.worth.max())
    steps += options.step_look * sentences.looks
    for row, (p, n) in enumerate(sentences.places):
        held, line = sentences.held[row], sentences.passages[p].lines[n]
        steps[row] += (
            options.step_new * _sum(sentences.weights, held - covered)
            + options.step_related * _sum(sentences.weights, _related(fresh, line.stems))
            + options.step_again * _sum(sentences.weights, held & covered)
            + options.step_link * (p in linked)
            + options.step_same * (p in used)
            + options.step_next * ((p, n - 1) in chosen or (p, n + 1) in chosen)
            + options.step_rank * math.log(1 + p)
            + options.step_named * links.named[p]
            + options.step_gap * sentences.gaps[p]
            + options.step_gap_alone * sentences.gaps[p] * (p not in linked and not links.named[p])
        )
    steps = np.round(steps, 6)
    steps[list(picks)] = -np.inf
    return np.asarray(steps)


class Links:
    """Which passages the sentences name; each sentence is searched once."""

    def __init__(self, asked: Asked, sentences: Sentences) -> None:
        self._sentences = sentences
        question = folded(asked.text)
        self.named = tuple(
            mentions(question, passage.name) or not passage.name for passage in sentences.passages
        )
        """Per passage: whether the question names it (or it has no name)."""
        self._open = [
            (p, passage.name)
            for p, passage in enumerate(sentences.passages)
            if len(passage.name) > 3 and not self.named[p]
        ]
        self._found: dict[int, frozenset[int]] = {}

    def to(self, rows: Sequence[int]) -> frozenset[int]:
        """Passages that these sentences name and the question does not; never their own."""
        return frozenset().union(*(self._of(row) for row in rows))

    def _of(self, row: int) -> frozenset[int]:
        if row not in self._found:
            p, n = self._sentences.places[row]
            passage = self._sentences.passages[p]
            line = passage.lines[n]
            text = folded(passage.text[line.start : line.end])
            self._found[row] = frozenset(
                other for other, name in self._open if other != p and mentions(text, name)
            )
        return self._found[row]


def _gaps(cosines: Sequence[float | None], count: int) -> tuple[float, ...]:
    known = [cosine for cosine in cosines if cosine is not None]
    if not known:
        return (0.0,) * count
    best, least = max(known), min(known)
    return tuple((least if cosine is None else cosine) - best for cosine in cosines)


def _weights(terms: Sequence[str], held: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """ln(1 + n / (1 + n_t)) for n sentences of which n_t hold the term, divided by their sum."""
    counts = dict.fromkeys(terms, 0)
    for stems in held:
        for term in stems:
            counts[term] += 1
    raw = {term: math.log(1 + len(held) / (1 + count)) for term, count in counts.items()}
    total = math.fsum(raw.values())
    return {term: value / total for term, value in raw.items()} if total else raw


def _related(terms: frozenset[str], stems: frozenset[str]) -> list[str]:
    """The terms that do not stand among the stems, while a related word does."""
    return [t for t in terms - stems if t in RELATED and not RELATED[t].isdisjoint(stems)]


def _sum(weights: Mapping[str, float], terms: Sequence[str] | frozenset[str]) -> float:
    return math.fsum(weights[term] for term in terms)
