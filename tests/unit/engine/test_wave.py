"""The plan's term of bridge selection."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.ranking.wave import Wave, WaveOptions, fits

NODES = np.array([[0.0, -1.0, -9.0], [-9.0, -3.0, 0.0]])


def test_a_passage_is_worth_what_its_best_node_wants_of_it() -> None:
    assert Wave(NODES, 0.5).term().tolist() == [0.0, -0.5, 0.0]


def test_a_served_node_asks_for_less() -> None:
    wave = Wave(NODES, 1.0, WaveOptions(served=2.0))
    wave.pick(0)
    assert wave.term().tolist() == [-2.0, -3.0, 0.0]


def test_a_pick_that_fits_no_node_serves_none() -> None:
    wave = Wave(np.array([[-3.0, 0.0]]), 1.0, WaveOptions(serves=-2.5))
    wave.pick(0)
    assert wave.term().tolist() == [-3.0, 0.0]


def test_a_node_fits_by_its_best_wording_less_what_that_is_worth_less() -> None:
    certain, guessed = np.array([1.0, 4.0]), np.array([6.0, 0.0])
    assert fits([[(certain, 0.0), (guessed, 1.0)]]).tolist() == [[0.0, -1.0]]


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_the_weight_scales_the_term_and_not_who_is_served(weight: float) -> None:
    wave = Wave(NODES, weight)
    wave.pick(0)
    assert wave.term().tolist() == [weight * value for value in (-2.0, -3.0, 0.0)]
