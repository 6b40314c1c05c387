from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine.ranking.bridge import (
    Candidates,
    Weights,
    covered,
    first_pick,
    residual_text,
    select,
)
from retrievers.protocol import Profile

# "Who directed the film with Ada Bell?"; rows: 0 the film (names Ada Bell and Max Orme),
# 1 a page that repeats the question's words, 2 the page of Max Orme, 3 something near, unlinked.
FILM, ECHO, DIRECTOR, NEAR = range(4)
PROFILE = Profile(
    weights=np.array([0.3, 0.2, 0.3, 0.2]),  # direct, film, ada, bell
    covers=np.array([[0, 1, 1, 1], [0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=np.float64),
    owner=np.array([0, 0, 1, 2, 3]),
    entity=np.array([7, 9, 7, 9, 11]),
    strength=np.array([0.0, 0.9, 0.0, 1.8, 0.9]),  # entity 7 is named by the question
    specificity=0.9,
    words=("Who", "directed", "the", "film", "with", "Ada", "Bell"),
    word_terms=((), (0,), (), (1,), (), (2,), (3,)),
    proximity=np.array([1.0, 0.6, 0.2, 0.3]),
)
CANDIDATES = Candidates(
    proximity=PROFILE.proximity,
    similarity=np.array([0.0, -0.05, -0.2, -0.1]),
    profile=PROFILE,
)


def test_the_first_pick_fits_the_question_best() -> None:
    assert first_pick(CANDIDATES) == FILM
    assert covered(PROFILE, FILM) == pytest.approx(0.7)


def test_the_residual_is_what_the_first_pick_leaves_open() -> None:
    assert residual_text(PROFILE, FILM) == "Who directed the with"


def test_nothing_is_left_when_every_word_is_covered() -> None:
    profile = replace(PROFILE, words=("Ada", "Bell"), word_terms=((2,), (3,)))
    assert residual_text(profile, FILM) == ""


def test_a_linked_passage_with_new_words_comes_before_an_echo_of_the_question() -> None:
    assert select(CANDIDATES, FILM, None) == [FILM, DIRECTOR, ECHO, NEAR]


def test_without_links_and_new_words_only_nearness_counts() -> None:
    bare = replace(PROFILE, covers=np.zeros((4, 4)), strength=np.zeros(5))
    assert select(replace(CANDIDATES, profile=bare), FILM, None) == [FILM, ECHO, NEAR, DIRECTOR]


def test_resembling_the_residual_raises_a_passage() -> None:
    residual = np.array([0.0, 0.0, 0.0, 0.9])
    assert select(CANDIDATES, FILM, residual) == [FILM, DIRECTOR, NEAR, ECHO]


def test_a_lost_encoder_leaves_a_ranking() -> None:
    blind = replace(CANDIDATES, similarity=None)
    assert sorted(select(blind, first_pick(blind), None)) == [0, 1, 2, 3]


def test_every_candidate_is_ranked_once_beyond_the_last_pick() -> None:
    order = select(CANDIDATES, FILM, None, Weights(picks=2))
    assert order[:2] == [FILM, DIRECTOR]
    assert sorted(order) == [0, 1, 2, 3]


def test_one_candidate_is_its_own_ranking() -> None:
    alone = Candidates(np.ones(1), None, _nothing(1))
    assert select(alone, first_pick(alone), None) == [0]


def _nothing(count: int) -> Profile:
    none = np.zeros(0, dtype=np.int64)
    return Profile(
        np.zeros(0), np.zeros((count, 0)), none, none, np.zeros(0), 0.0, (), (), np.ones(count)
    )


def test_equal_scores_go_to_the_smaller_key() -> None:
    even = Candidates(np.ones(3), np.zeros(3), _nothing(3))
    assert first_pick(even) == 0
    assert select(even, 0, np.zeros(3)) == [0, 1, 2]
