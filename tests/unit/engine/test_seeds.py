from __future__ import annotations

import math

import pytest

from app.engine.ranking.seeds import SeedOptions, restart
from retrievers.types import Chunk, ChunkId, DocumentKey, Evidence, Rows


def passage(number: int, score: float) -> Evidence:
    chunk = Chunk(
        ChunkId(number),
        f"chk_{number}",
        DocumentKey(number),
        f"d{number}",
        "",
        "",
        "x",
        0,
        1,
        0,
        {},
    )
    return Evidence(chunk.key, "any", score, chunk)


def test_both_channels_count_alike_and_the_weights_sum_to_one() -> None:
    weights = restart([passage(1, 0.9), passage(2, 0.3)], [passage(2, 12.0), passage(3, 3.0)])
    assert math.fsum(weights.values()) == pytest.approx(1.0)
    assert weights[ChunkId(1)] == pytest.approx(0.5, abs=1e-3)
    assert weights[ChunkId(2)] == pytest.approx(0.5, abs=1e-3)


def test_the_best_score_takes_nearly_everything() -> None:
    weights = restart([passage(1, 0.60), passage(2, 0.57), passage(3, 0.45)], [])
    assert weights[ChunkId(2)] / weights[ChunkId(1)] == pytest.approx(math.exp(-1))
    assert weights[ChunkId(3)] / weights[ChunkId(1)] == pytest.approx(math.exp(-5))


def test_a_silent_channel_leaves_its_half_to_the_other() -> None:
    assert restart([], [passage(1, 5.0)]) == {1: 1.0}
    assert restart([], []) == {}


def test_scores_that_cannot_be_compared_enter_by_rank() -> None:
    weights = restart([], [passage(1, -3.0), passage(2, -9.0)])
    assert weights[ChunkId(2)] / weights[ChunkId(1)] == pytest.approx(math.exp(-0.5))


def test_only_passages_within_the_depth_are_seeds() -> None:
    rows = Evidence("sql_1", "sql", 1.0, Rows("shop", "SELECT 1", ("n",), ((1,),)))
    found = [rows, passage(1, 1.0), passage(2, 1.0), passage(3, 1.0)]
    assert set(restart(found, [], SeedOptions(depth=2))) == {1, 2}
