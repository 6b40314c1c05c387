"""A marked text becomes the same statements however it is cut into pieces."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.engine.reading.marked import Cutter, cut, numbers

PIECES = [
    "The lock leaks", "Ada built it in 3.5 years", "Dr. Varn", "the U.S. fleet", "No. 5",
    "東京は大きい",
    ".", ". ", "!", "?", "。", "…", " ", "\n", "\n\n", "- ", "1. ", "12. ", "# ", "[1]",
    "[2]", " [3]", "[1, 2]", "[4-6]", "【1】", "[", "]", "[x]", "\"", "”", ")", "(", ",", "**",
    "SHORT: ", "NO ANSWER",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=25).map("".join)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It leaks [1]. It is old. [2]", [("It leaks.", (1,)), ("It is old.", (2,))]),
        ("It leaks.[1][3] It is old [2][2].", [("It leaks.", (1, 3)), ("It is old.", (2,))]),
        ("It leaks [1, 3]. It is old [2-4].", [("It leaks.", (1, 3)), ("It is old.", (2, 3, 4))]),
        ("It leaks [1] and is old [2].", [("It leaks and is old.", (1, 2))]),
        ("It leaks. [1]. It is old【2】。", [("It leaks.", (1,)), ("It is old。", (2,))]),
        (
            "Dr. Varn built it in 3.5 years [1]. No. 5 is U.S. land! [2]",
            [("Dr. Varn built it in 3.5 years.", (1,)), ("No. 5 is U.S. land!", (2,))],
        ),
        ("- a lock [1]\n- a weir [2]\n", [("a lock", (1,)), ("a weir", (2,))]),
        ("1. A lock. [1]\n2. A weir. [2]", [("A lock.", (1,)), ("A weir.", (2,))]),
        ("It leaks.\n[1]\nIt is old.\n[2]", [("It leaks.", (1,)), ("It is old.", (2,))]),
        ("[1] It leaks. [2] It is old.", [("It leaks.", (1,)), ("It is old.", (2,))]),
        ("It said:\n[1] It leaks.", [("It said:", ()), ("It leaks.", (1,))]),
        ('She said "no." [1] It is old', [('She said "no."', (1,)), ("It is old", ())]),
        ("東京は大きい。[1]古い。[2]", [("東京は大きい。", (1,)), ("古い。", (2,))]),
        (
            "## Lock\nIt leaks. [1]\n\nSHORT: Ada",
            [("Lock", ()), ("It leaks.", (1,)), ("SHORT: Ada", ())],
        ),
        ("It [a] leaks [see the note]. [1]", [("It [a] leaks [see the note].", (1,))]),
        ("It leaks [1", [("It leaks [1", ())]),
        ("NO ANSWER", [("NO ANSWER", ())]),
        ("[1] [2]\n\n - ", []),
        ("", []),
    ],
)  # fmt: skip
def test_a_text_is_cut_at_sentences_after_their_marks(
    text: str, found: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert [tuple(one) for one in cut(text)] == found


@settings(deadline=None)  # shared machines stall
@given(texts, st.lists(st.integers(1, 7), min_size=1, max_size=20))
@example("The lock leaks\n[1][1]", [1])
@example("It leaks. ![x][1] It is old.", [1])
def test_pieces_make_no_difference(text: str, sizes: list[int]) -> None:
    cutter, found, at = Cutter(), [], 0
    for size in sizes * (1 + len(text)):
        found += cutter.feed(text[at : at + size])
        at += size
        if at >= len(text):
            break
    assert [*found, *cutter.end()] == cut(text)


@settings(deadline=None)
@given(texts)
def test_what_is_given_early_is_given_at_the_end_too(text: str) -> None:
    cutter = Cutter()
    early = cutter.feed(text)
    assert cut(text)[: len(early)] == early
    partly = [*early, *cutter.end(whole=False)]
    assert cut(text)[: len(partly)] == partly


def test_an_unfinished_statement_counts_only_if_the_text_is_whole() -> None:
    cutter = Cutter()
    assert cutter.feed("It leaks. [1] It was built in 17") == [("It leaks.", (1,))]
    assert cutter.end(whole=False) == []
    cutter = Cutter()
    assert cutter.feed("It leaks. [1]") == []  # another mark may follow
    assert cutter.end(whole=False) == [("It leaks.", (1,))]


def test_a_statement_is_given_as_soon_as_the_next_begins() -> None:
    cutter = Cutter()
    assert [cutter.feed(piece) for piece in ("It leaks. ", "[1", "]", " ")] == [[], [], [], []]
    assert cutter.feed("S") == [("It leaks.", (1,))]


def test_marks_are_few_and_distinct() -> None:
    assert numbers(["[1]", "[3, 1]", "[2-900]"]) == (1, 3, 2, 4, 5, 6, 7, 8)
    assert numbers(["[5-2]"]) == ()


@pytest.mark.parametrize(
    "garbage", ["word ", "\n", "[1] ", "[1]\n", "[1", "! ", "A. ", "a.", "- ", "“", "【"]
)
def test_garbage_takes_little_time(garbage: str) -> None:
    cutter, began = Cutter(), time.process_time()
    for _ in range(3_000):
        cutter.feed(garbage)
    cutter.end()
    assert time.process_time() - began < 10  # seconds; without care it is minutes
