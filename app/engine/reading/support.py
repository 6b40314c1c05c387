"""How well the evidence supports an answer at all: the score that decides between one and none.

A logistic score over what the question says and the passages hold: cosines where the encoder gives
them, the question's words that no passage holds, and its names that none mentions. Where the search
tells how its picks were made, the score also knows which words they leave open by the collection's
own measure, and how far the best passage stands out; that tells far better whether a question of
several hops can be answered. One missing hop of several is still nearly invisible.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.hit import Signals
from app.engine.reading.choice import Sentences
from app.engine.reading.passage import Passage, folded, mentions
from app.engine.reading.question import Asked

_JOINS = re.compile(r" (?:and|of the|of|de|&) ")
_SEPARATORS = re.compile(r"[\W_]+")
# Ordinals, decades and plain quantities are words of a sentence, not identifiers.
_NO_CODE = re.compile(r"\d+(?:st|nd|rd|th|s|km|m|kg|mb|gb|am|pm)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PickWeights:
    """Weights where the signals of the picks are known, and their threshold.

    Fitted (`python -m benchmarks.refusal`) on the development questions of MuSiQue, HotpotQA,
    2WikiMultihopQA, XQuAD and QED against the same questions without their gold passages, both
    filtered out of the search and never ingested; a third of the weight on texts without titles.
    Of signals that say how rare a word or name is in the collection only those were kept that do
    not grow when a text is missing: a filtered index still knows its words. The judgement of the
    passages alone is added, because alone neither noticed that no passage speaks of what is asked.
    """

    best_cosine: float = 5.4
    gap: float = 2.6  # to the second best cosine
    uncovered: float = -2.9
    lexical_gap: float = 3.5
    missing: float = -1.5  # for each of the question's names in none of the first passages
    most_missing: int = 3
    untyped: float = -1.3
    named: float = 4.9  # weight of the question in titles that the question names
    untitled: float = 0.6  # where no passage has a title to be named by
    constant: float = -3.3
    passages: float = 0.5  # of what the passages alone say, above their threshold
    threshold: float = -1.5


@dataclass(frozen=True, slots=True)
class SupportOptions:
    """Weights and the threshold.

    Fitted on half of the development questions of MuSiQue, HotpotQA, 2WikiMultihopQA, XQuAD and QED
    with their gold passages in place (1) and all removed (0). The cosines' weights assume MiniLM's
    scale.
    """

    picks: PickWeights = field(default_factory=PickWeights)

    best_cosine: float = 7.1
    first_cosine: float = 2.8  # of the passage that was ranked first
    second_cosine: float = -3.7  # several near passages: the topic is held, not the answer
    lone_gap: float = 0.12
    """How much nearer than a second passage the only one is taken to be."""
    uncovered: float = -1.55  # weight of the question in none of the first passages
    sentence: float = 2.7  # weight of the question in the best sentence and its title
    untyped: float = -3.5  # the same, as far as that sentence lacks the date or number asked for
    missing: float = -1.8  # share of the question's names in none of the first passages
    constant: float = -4.2
    threshold: float = -1.4
    """Below it the evidence does not hold the answer."""

    lexical_first: float = -2.0  # weight of the question outside the first passage
    lexical_uncovered: float = -0.8
    lexical_sentence: float = 2.9
    lexical_untyped: float = -3.2
    lexical_missing: float = -2.0
    lexical_constant: float = 0.4
    lexical_threshold: float = -0.7

    unknown_code: float = -3.0  # a part number, licence or other identifier that nobody mentions
    passages: int = 5
    """How many of the first passages are looked at for words and names."""


@dataclass(frozen=True, slots=True)
class Support:
    """The score, what it was made of, and the question's names that the evidence lacks."""

    score: float
    threshold: float
    best_cosine: float | None
    uncovered: float
    best_sentence: float
    untyped: float
    missing: tuple[str, ...]
    signs: Mapping[str, float] = field(default_factory=dict)
    """The inputs of the score where the picks' signals were known."""

    @property
    def enough(self) -> bool:
        """Whether to answer."""
        return self.score >= self.threshold


def judge(
    asked: Asked,
    sentences: Sentences,
    cosines: Sequence[float | None],
    options: SupportOptions | None = None,
    picks: Signals | None = None,
) -> Support:
    """Judge the passages that were read.

    Args:
        cosines: Similarity of the question and each passage that was read; None where unknown.
            Empty if they are not MiniLM's: then the words alone decide.
        picks: None where bridge selection or a channel was left out: passages alone are judged.
    """
    options = options or SupportOptions()
    first = sentences.passages[: options.passages]
    stems = [passage.stems() for passage in first]
    uncovered = _outside(sentences, stems)
    outside_first = _outside(sentences, stems[:1])
    cover = [_inside(sentences, held) for held in sentences.held]
    best = max(cover, default=0.0)
    untyped = 0.0
    if asked.kind in ("date", "number"):
        typed = (held for held, look in zip(cover, sentences.looks, strict=True) if look)
        untyped = best - max(typed, default=0.0)
    missing = _missing(asked, [f"{passage.title} {passage.text}" for passage in first])
    share = len(missing) / len(asked.names) if asked.names else 0.0
    known = sorted((cosine for cosine in cosines if cosine is not None), reverse=True)
    score = options.unknown_code * any(_is_code(name) for name in missing)
    signs: dict[str, float] = {}
    if known:
        second = known[1] if len(known) > 1 else known[0] - options.lone_gap
        leading = cosines[0] if cosines[0] is not None else known[-1]
        threshold = options.threshold
        score += (
            options.constant
            + options.best_cosine * known[0]
            + options.first_cosine * leading
            + options.second_cosine * second
            + options.uncovered * uncovered
            + options.sentence * best
            + options.untyped * untyped
            + options.missing * share
        )
    if known and picks is not None:
        weights = options.picks
        # Two judges that err on different questions; together they are right more often.
        score = weights.passages * (score - threshold)
        threshold = weights.threshold
        signs = {
            "best_cosine": known[0],
            "gap": known[0] - known[1] if len(known) > 1 else options.lone_gap,
            "uncovered": picks.uncovered,
            "lexical_gap": picks.lexical_gap,
            "missing": float(min(len(missing), weights.most_missing)),
            "untyped": untyped,
            "named": _named(asked, sentences, first),
            "untitled": float(not any(passage.name for passage in first)),
        }
        score += weights.constant + (
            weights.best_cosine * signs["best_cosine"]
            + weights.gap * signs["gap"]
            + weights.uncovered * signs["uncovered"]
            + weights.lexical_gap * signs["lexical_gap"]
            + weights.missing * signs["missing"]
            + weights.untyped * signs["untyped"]
            + weights.named * signs["named"]
            + weights.untitled * signs["untitled"]
        )
    elif not known:
        threshold = options.lexical_threshold
        score += (
            options.lexical_constant
            + options.lexical_first * outside_first
            + options.lexical_uncovered * uncovered
            + options.lexical_sentence * best
            + options.lexical_untyped * untyped
            + options.lexical_missing * share
        )
    return Support(
        score=round(score, 6),
        threshold=threshold,
        best_cosine=known[0] if known else None,
        uncovered=round(uncovered, 6),
        best_sentence=round(best, 6),
        untyped=round(untyped, 6),
        missing=missing,
        signs=signs,
    )


def _named(asked: Asked, sentences: Sentences, passages: Sequence[Passage]) -> float:
    """Weight of the question in the titles that it names as a whole."""
    question = folded(asked.text)
    titles = (p.title_stems for p in passages if mentions(question, p.name))
    return _inside(sentences, frozenset().union(*titles))


def _inside(sentences: Sentences, held: frozenset[str]) -> float:
    return math.fsum(sentences.weights.get(term, 0.0) for term in held)


def _outside(sentences: Sentences, stems: Sequence[frozenset[str]]) -> float:
    if not sentences.weights:  # nothing but stop words: nothing is covered
        return 1.0
    held = frozenset().union(*stems)
    return math.fsum(weight for term, weight in sentences.weights.items() if term not in held)


def _missing(asked: Asked, texts: Sequence[str]) -> tuple[str, ...]:
    words = [folded(text) for text in texts]
    squeezed = [_SEPARATORS.sub("", text.lower()) for text in texts]

    def found(name: str) -> bool:
        if _is_code(name):  # HV-2207, HV 2207 and hv2207 are one
            code = _SEPARATORS.sub("", name.lower())
            return any(code in text for text in squeezed)
        if any(mentions(text, folded(name)) for text in words):
            return True
        parts = _JOINS.split(name)  # two names joined, or one with a particle that texts leave out
        return len(parts) > 1 and all(
            any(mentions(text, folded(part)) for text in words) for part in parts
        )

    return tuple(name for name in asked.names if not found(name))


def _is_code(name: str) -> bool:
    return (
        " " not in name
        and any(sign.isdigit() for sign in name)
        and any(sign.isalpha() for sign in name)
        and len(name) > 3
        and not _NO_CODE.fullmatch(name)
    )
