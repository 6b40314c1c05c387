from __future__ import annotations

import numpy as np
import pytest

from app.engine.ranking.signals import signals
from retrievers.protocol import Profile
from retrievers.types import Chunk, ChunkId, DocumentKey, Evidence

NONE = np.zeros(0)


def profile(covers: list[list[int]], weights: list[float]) -> Profile:
    numbers = np.zeros(0, np.int64)
    held = np.array(covers, np.float64).reshape(len(covers), len(weights))
    near = np.ones(len(covers))
    return Profile(np.array(weights), held, numbers, numbers, NONE, 0.0, (), (), near)


def lexical(*scores: float) -> list[Evidence]:
    found = []
    for number, score in enumerate(scores):
        key = f"chk_{number}"
        chunk = Chunk(ChunkId(number), key, DocumentKey(number), key, "", "", "", 0, 0, 0, {})
        found.append(Evidence(key, "fulltext", score, chunk))
    return found


def test_two_picks_cover_together_and_a_third_does_not_count() -> None:
    seen = profile([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0.5, 0.3, 0.2])
    found = signals(seen, [0, 1, 2], lexical(2.0, 1.5))
    assert found is not None
    assert found.uncovered == pytest.approx(0.2)
    found = signals(seen, [2, 1, 0], lexical(2.0, 1.5))
    assert found is not None
    assert found.uncovered == pytest.approx(0.5)


def test_terms_that_the_collection_lacks_are_uncovered() -> None:
    found = signals(profile([[1]], [0.6]), [0], lexical(2.0))
    assert found is not None
    assert found.uncovered == pytest.approx(0.4)
    assert found.lexical_gap == 0


def test_a_question_of_unknown_words_is_not_covered() -> None:
    found = signals(profile([[], []], []), [1, 0], lexical(2.0, 1.0))
    assert found is not None
    assert found.uncovered == 1
    assert found.lexical_gap == pytest.approx(0.5)


@pytest.mark.parametrize("scores", [(), (0.0,), (-0.4, -0.9)])
def test_without_a_ratio_of_full_text_scores_there_are_no_signals(scores: tuple[float]) -> None:
    assert signals(profile([[1]], [1.0]), [0], lexical(*scores)) is None
