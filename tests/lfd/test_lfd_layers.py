"""Which layers are candidates, which of them is nearest, and what comparing them takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.generation.lfd.layers import candidates, nearest, packed_bytes, scratch_rows

MIB = 1024**2


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (3, (2,)),
        (4, (3,)),
        (7, (4, 5, 6)),
        (8, (5, 6, 7)),
        (28, tuple(range(15, 28))),
        (32, tuple(range(17, 32))),
    ],
)
def test_candidates_are_the_latter_half_without_the_last_layer(
    layers: int, expected: tuple[int, ...]
) -> None:
    assert candidates(layers) == expected


def test_either_end_of_the_range_may_be_set() -> None:
    assert candidates(8, first=2) == (2, 3, 4, 5, 6, 7)
    assert candidates(8, last=5) == (5,)
    assert candidates(8, 1, 7) == (1, 2, 3, 4, 5, 6, 7)


@pytest.mark.parametrize(
    ("layers", "first", "last"),
    [(1, None, None), (2, None, None), (8, 6, 5), (8, 0, 3), (8, -1, 3), (8, 5, 8), (8, 9, None)],
)
def test_a_range_without_an_intermediate_layer_is_refused(
    layers: int, first: int | None, last: int | None
) -> None:
    with pytest.raises(ValueError, match=f"intermediate one of {layers}: 1 ≤ first ≤ last ≤"):
        candidates(layers, first, last)


@pytest.mark.parametrize(
    ("layer", "snapped"), [(1, 5), (5, 5), (6, 6), (7, 6), (8, 9), (9, 9), (1_000, 9)]
)
def test_a_layer_is_snapped_to_the_nearest_candidate(layer: int, snapped: int) -> None:
    among = (5, 6, 9)
    assert among[nearest(layer, among)] == snapped


def test_of_two_equally_near_candidates_the_lower_one_is_taken() -> None:
    assert nearest(7, (6, 8)) == 0


def test_the_rows_at_once_are_those_of_the_design() -> None:
    # 13 candidates twice, 152k tokens, 4 bytes: 15.8 MB, of which four live at once.
    assert scratch_rows(13, 152_064, 256 * MIB) == 4


@given(st.integers(1, 80), st.integers(1, 300_000), st.integers(0, 64 * 1024**3))
def test_the_budget_is_kept_and_one_row_is_always_possible(
    count: int, vocabulary: int, budget: int
) -> None:
    each = 16 * 2 * count * vocabulary
    rows = scratch_rows(count, vocabulary, budget)
    assert rows == 1 or rows * each <= budget
    assert (rows + 1) * each > budget


def test_kept_states_take_what_the_design_says() -> None:
    assert packed_bytes(2_048, 13, 3_584, 2) == 381_681_664  # 0.38 GB
    assert packed_bytes(8_192, 13, 3_584, 2) == 1_526_726_656  # 1.5 GB
