"""What a search tells of its picks beside their order, for the judgement whether to answer."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.hit import Signals
from retrievers.protocol import Profile
from retrievers.types import Evidence

PICKS = 2
"""A hop more than these is seldom asked, and a third pick covers words by chance."""


def signals(profile: Profile, order: Sequence[int], lexical: Sequence[Evidence]) -> Signals | None:
    """The signals of one search; None if full text found nothing it could score.

    Args:
        profile: Of the candidates.
        order: Their rows, best first, as bridge selection picked them.
        lexical: What full text found, best first; scores of an engine that are not positive have
            no ratio.
    """
    if not lexical or lexical[0].score <= 0:
        return None
    best = lexical[0].score
    covered = profile.covers[list(order[:PICKS])].max(axis=0, initial=0.0) @ profile.weights
    gap = 1 - lexical[1].score / best if len(lexical) > 1 else 0.0
    return Signals(round(1 - float(covered), 6), round(gap, 6))
