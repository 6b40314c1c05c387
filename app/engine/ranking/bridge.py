"""Bridge selection: passages picked one after another, each scored by what it adds to the others.

The walk over the passage graph gives good candidates in a poor order. The first pick is the passage
that fits the question best. A later pick is worth more if it holds words of the question that no
pick holds yet, shares a specific entity with a pick, and resembles what the first pick leaves open
of the question (the *residual*). No training at run time, no language model, no cross-encoder.

The residual can be encoded only after the first pick, hence three steps: `first_pick`,
`residual_text`, `select`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.engine.ranking.wave import Wave
from retrievers.protocol import Profile

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each signal counts; the cosines' weights assume MiniLM's scale."""

    first_cover: float = 3.0
    first_similarity: float = 2.0
    cover: float = 13.0
    link: float = 3.5
    similarity: float = 2.5
    residual: float = 7.0
    picks: int = 10


@dataclass(frozen=True, slots=True)
class Candidates:
    """n passages that may be picked; row i of every array and of the profile is passage i.

    Rows must stand in ascending order of `Chunk.key`: equal scores go to the first row, and
    float sums must not depend on the order in which channels answered.
    """

    proximity: Vector
    """(n,) the walk's score divided by the best passage's, in [0, 1]."""
    similarity: Vector | None
    """(n,) cosine of question and passage minus the best cosine; None without an encoder."""
    profile: Profile

    def relevance(self, similarity_weight: float) -> Vector:
        """What a passage is worth by itself: its log proximity and its similarity."""
        nearness = np.log(self.proximity + 1e-7)
        if self.similarity is None:
            return nearness
        return np.asarray(nearness + similarity_weight * self.similarity)


def anchor(candidates: Candidates, weights: Weights | None = None) -> Vector:
    """(n,) how well each passage fits the whole question by itself.

    anchor(c) = log proximity + 3 · coverage + 2 · similarity
    """
    weights = weights or Weights()
    cover = candidates.profile.covers @ candidates.profile.weights
    return candidates.relevance(weights.first_similarity) + weights.first_cover * cover


def first_pick(
    candidates: Candidates, weights: Weights | None = None, wave: Wave | None = None
) -> int:
    """The row of the passage that fits the whole question best. Needs at least one candidate."""
    scores = anchor(candidates, weights)
    if wave is not None:
        scores = scores + wave.term()
    return int(np.argmax(_settled(scores)))


def covered(profile: Profile, pick: int) -> float:
    """Share of the question's term weight that stands in the passage, in [0, 1]."""
    return float(profile.covers[pick] @ profile.weights)


def residual_text(profile: Profile, pick: int) -> str:
    """The question's words in order, without those whose terms the picked passage contains.

    Stop words and question words stay. Empty if nothing stays: then the question itself is encoded.
    """
    held = profile.covers[pick] > 0
    kept = [
        word
        for word, terms in zip(profile.words, profile.word_terms, strict=True)
        if not any(held[term] for term in terms)
    ]
    return " ".join(kept)


def select(
    candidates: Candidates,
    first: int,
    residual: Vector | None,
    weights: Weights | None = None,
    wave: Wave | None = None,
) -> list[int]:
    """All rows, best first: the picks in order, then the rest by their last score.

    score(c) = log proximity + 13 · new(c) + 3.5 · link(c) + 2.5 · similarity + 7 · residual(c)

    where new(c) is the weight of question terms that c holds and no pick holds, and link(c) the
    largest strength of an entity that c shares with any pick.

    Args:
        residual: (n,) cosine of the encoded residual and each passage; None drops the term.
        wave: What the nodes of a plan want, added to every pick.
    """
    weights = weights or Weights()
    profile = candidates.profile
    worth = candidates.relevance(weights.similarity)
    if residual is not None:
        worth = worth + weights.residual * residual
    strengths = _shared_strengths(profile, len(worth))
    link = np.zeros(len(worth))
    open_weights = profile.weights.copy()
    left = np.ones(len(worth), dtype=bool)
    scores = worth
    picks: list[int] = []
    pick = first
    while True:
        picks.append(pick)
        left[pick] = False
        if wave is not None:
            wave.pick(pick)
        shared = strengths[:, strengths[pick] > 0]
        link = np.maximum(link, shared.max(axis=1, initial=0.0))
        open_weights[profile.covers[pick] > 0] = 0.0
        if len(picks) >= weights.picks or not left.any():
            break
        new = profile.covers @ open_weights
        scores = worth + weights.cover * new + weights.link * link
        if wave is not None:
            scores = scores + wave.term()
        scores = _settled(scores)
        pick = int(np.argmax(np.where(left, scores, -np.inf)))
    rest = np.flatnonzero(left)
    order = rest[np.argsort(-scores[rest], kind="stable")]
    return [*picks, *(int(row) for row in order)]


def _shared_strengths(profile: Profile, count: int) -> Vector:
    """(count, E) strength of each entity in each candidate; only entities that can link two."""
    # Entities that the question names link nothing new: their entries have no strength.
    entries = np.flatnonzero(profile.strength > 0)
    names, column, owners = np.unique(
        profile.entity[entries], return_inverse=True, return_counts=True
    )
    strengths = np.zeros((count, len(names)))
    strengths[profile.owner[entries], column] = profile.strength[entries]
    return strengths[:, owners > 1]


def _settled(scores: Vector) -> Vector:
    # Encoders and indexes differ in the last bits between batch sizes; ties must not.
    return np.round(scores, 6)
