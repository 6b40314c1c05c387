from __future__ import annotations

import pytest

from app.engine.ranking.fusion import fuse_ranks, reciprocal_rank_fusion
from retrievers.types import Evidence, Rows

ROWS = Rows("shop", "SELECT 1", ("n",), ((1,),))


def evidence(channel: str, *keys: str) -> list[Evidence]:
    return [Evidence(key, channel, 1.0 / rank, ROWS) for rank, key in enumerate(keys, 1)]


def test_a_fact_found_by_two_channels_is_one_hit_above_its_equals() -> None:
    hits = reciprocal_rank_fusion(
        {"vector": evidence("vector", "a", "b"), "fulltext": evidence("fulltext", "b", "c")}
    )
    assert [hit.key for hit in hits] == ["b", "a", "c"]
    assert hits[0].score == pytest.approx(1 / 62 + 1 / 61)
    assert {name: s.rank for name, s in hits[0].channels.items()} == {"vector": 2, "fulltext": 1}


def test_the_order_of_the_channels_does_not_matter() -> None:
    one = {"vector": evidence("vector", "a", "b", "c"), "fulltext": evidence("fulltext", "c", "a")}
    other = dict(reversed(one.items()))
    assert reciprocal_rank_fusion(one) == reciprocal_rank_fusion(other)


def test_equal_scores_are_ordered_by_key() -> None:
    assert [key for key, _ in fuse_ranks([["b"], ["a"]])] == ["a", "b"]


def test_a_weight_counts_a_channel_more() -> None:
    channels = {"vector": evidence("vector", "a"), "fulltext": evidence("fulltext", "b")}
    assert reciprocal_rank_fusion(channels, {"fulltext": 2.0})[0].key == "b"


def test_nothing_found_is_an_empty_ranking() -> None:
    assert reciprocal_rank_fusion({}) == []
    assert reciprocal_rank_fusion({"vector": []}) == []
