"""Whatever is merged into a pool, in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.engine.reasoning.pool import Fact, Pool

TEXTS = ["mill", "Mill", "the weir", "the  weir", "a long bridge at Callowby", "x" * 30, "ß", "SS"]


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    text = draw(st.sampled_from(TEXTS))
    start = draw(st.integers(0, 2))
    return Fact(
        text,
        draw(st.sampled_from("abc")),
        start,
        start + len(text),
        draw(st.integers(1, 3)),
        draw(st.sampled_from([0.0, 0.25, 0.5, 1.0])),
        draw(st.sampled_from([False, False, False, True])),
    )


LISTS = st.lists(facts(), max_size=12)
CAPS = st.sampled_from([0, 8, 30, 40, 60, 6_000])


def room(pool: Pool) -> int:
    return sum(len(fact.folded) for fact in pool.known)


@given(LISTS, CAPS, st.data())
def test_neither_the_order_nor_the_portions_matter(
    found: list[Fact], cap: int, data: st.DataObject
) -> None:
    whole = Pool().merged(found, cap)
    shuffled = data.draw(st.permutations(found))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(found)), max_size=4)))
    pool = Pool()
    for start, end in zip([0, *cuts], [*cuts, len(found)], strict=True):
        pool = pool.merged(shuffled[start:end], cap)
    assert pool.known == whole.known


@given(LISTS, CAPS)
def test_merging_again_changes_nothing(found: list[Fact], cap: int) -> None:
    pool = Pool().merged(found, cap)
    assert pool.merged(found, cap) == pool
    assert pool.merged(pool.known, cap) == pool
    assert pool.merged((), cap) == pool


@given(LISTS, LISTS, CAPS)
def test_the_cap_is_kept_by_all_that_does_not_carry_the_answer(
    one: list[Fact], other: list[Fact], cap: int
) -> None:
    pool = Pool().merged(one, cap).merged(other, cap)
    answers = {fact.folded for fact in [*one, *other] if fact.answers}
    assert answers <= {fact.folded for fact in pool.known}
    assert room(pool) <= max(cap, sum(map(len, answers)))


@given(LISTS, LISTS)
def test_what_is_known_only_grows_while_there_is_room(one: list[Fact], other: list[Fact]) -> None:
    before = Pool().merged(one)
    after = before.merged(other)
    assert {fact.folded for fact in before.known} <= {fact.folded for fact in after.known}
    assert {fact.folded for fact in after.known} == {fact.folded for fact in [*one, *other]}


@given(LISTS, CAPS)
def test_nothing_is_known_twice_and_nothing_is_made_up(found: list[Fact], cap: int) -> None:
    known = Pool().merged(found, cap).known
    assert len({fact.folded for fact in known}) == len(known)
    assert set(known) <= set(found)
