"""The evidence pool of one node."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.engine.reasoning.pool import Fact, Pool


def fact(text: str, passage: str = "a", start: int = 0, **more: object) -> Fact:
    made = Fact(text, passage, start, start + len(text), 1)
    return replace(made, **more)


def texts(pool: Pool) -> list[str]:
    return [one.text for one in pool.known]


def test_the_most_useful_fact_comes_first_and_ties_are_broken_by_its_place() -> None:
    facts = [fact("c", "b", utility=0.5), fact("b", "a", 9, utility=0.5), fact("a", utility=0.5)]
    best = fact("z", "z", utility=0.6)
    assert texts(Pool().merged([*facts, best])) == ["z", "a", "b", "c"]


def test_what_says_the_same_stays_once_where_it_is_worth_most() -> None:
    low, high = fact("Built  in 1871", "a", utility=0.1), fact("built in 1871", "b", utility=0.9)
    assert Pool().merged([low]).merged([high]).known == (high,)
    assert Pool().merged([high]).merged([low]).known == (high,)


def test_the_least_useful_facts_go_when_there_is_no_room() -> None:
    pool = Pool().merged([fact("a" * 40, utility=0.9)], cap=100)
    pool = pool.merged([fact("b" * 40, utility=0.1), fact("c" * 40, utility=0.5)], cap=100)
    assert texts(pool) == ["a" * 40, "c" * 40]


def test_a_fact_that_carries_the_answer_is_never_evicted() -> None:
    answer = fact("x" * 80, answers=True)
    pool = Pool().merged([answer], cap=100)
    pool = pool.merged([fact("b" * 40, utility=0.9), fact("c" * 10, utility=0.8)], cap=100)
    assert texts(pool) == ["x" * 80]
    assert texts(Pool().merged([answer], cap=10)) == ["x" * 80]


def test_a_fact_that_was_evicted_comes_back_when_it_carries_the_answer() -> None:
    low, high = fact("a" * 60, utility=0.1), fact("b" * 60, utility=0.9)
    pool = Pool().merged([low, high], cap=100)
    assert pool.merged([low], cap=100) == pool
    assert texts(pool.merged([replace(low, answers=True)], cap=100)) == ["a" * 60]


def test_a_small_fact_does_not_slip_in_where_a_better_one_had_no_room() -> None:
    large, better, small = (
        fact("a" * 90, utility=0.9), fact("b" * 20, utility=0.5), fact("c" * 5, utility=0.1),
    )  # fmt: skip
    one_by_one = Pool().merged([large], 100).merged([better], 100).merged([small], 100)
    assert texts(one_by_one) == texts(Pool().merged([small, better, large], 100)) == ["a" * 90]


def test_queries_are_remembered_with_what_they_brought() -> None:
    pool = Pool().looked(1, "Oxbow Mill builder", "the sub-question", ["a", "b", "a"], 0.2)
    pool = pool.looked(2, "mill at Callowby", "a gap", ["b", "c"])
    assert [(look.round, look.new, look.sufficiency) for look in pool.history] == [
        (1, 2, 0.2), (2, 1, None),
    ]  # fmt: skip
    assert pool.seen == {"a", "b", "c"}
    assert pool.unseen(["d", "c", "e", "d"]) == ["d", "e"]
    assert pool.history[1].why == "a gap"


@pytest.mark.parametrize(
    ("query", "repeated"),
    [("oxbow mill  BUILDER", True), ("Oxbow Mill builder?", False), ("", False)],
)
def test_a_query_repeats_another_by_its_words(query: str, repeated: bool) -> None:
    assert Pool().looked(1, "Oxbow Mill builder", "", []).asked(query) is repeated


def test_a_pool_is_a_value() -> None:
    empty = Pool()
    empty.merged([fact("a")])
    empty.looked(1, "a", "", ["k"])
    assert empty == Pool()
