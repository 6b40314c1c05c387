from __future__ import annotations

import pytest

from app.engine.ranking.gate import arrange, decide

BRIDGE = ["b1", "b2", "b3", "b4", "b5", "b6"]


@pytest.mark.parametrize(
    ("specificity", "covered", "branch", "strategy"),
    [
        (0.0, 0.1, "topical", "single"),
        (0.64, 0.9, "topical", "single"),
        (0.65, 0.81, "covered", "single"),
        (0.65, 0.8, "bridge", "multihop"),
        (1.0, 0.2, "bridge", "multihop"),
    ],
)
def test_the_branch_follows_specificity_then_cover(
    specificity: float, covered: float, branch: str, strategy: str
) -> None:
    decision = decide(specificity, covered)
    assert (decision.branch, decision.strategy) == (branch, strategy)


def test_a_question_that_needs_a_chain_keeps_the_bridge_order() -> None:
    assert arrange("bridge", BRIDGE, ["f1"]) == BRIDGE


def test_a_covered_question_gives_the_fifth_place_to_the_best_flat_passage_not_yet_shown() -> None:
    assert arrange("covered", BRIDGE, ["b1", "f1", "f2"]) == [
        "b1",
        "b2",
        "b3",
        "b4",
        "f1",
        "b5",
        "b6",
    ]
    assert arrange("covered", BRIDGE, ["b1", "b6"]) == ["b1", "b2", "b3", "b4", "b6", "b5"]
    assert arrange("covered", BRIDGE, ["b1", "b2"]) == BRIDGE


def test_a_topical_question_blends_both_orders_by_rank_and_prefers_the_flat_one() -> None:
    assert arrange("topical", ["a", "b", "c"], ["c", "a", "d"]) == ["a", "c", "b", "d"]
    assert arrange("topical", ["a", "b"], ["c", "d"]) == ["c", "a", "d", "b"]
