"""Events out of bytes, however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.generation.sse import Events

PLAIN = 'data: {"a": "ü"}\n\ndata: b\n\n: ping\n\nevent: x\nid: 3\ndata: c\ndata:  d\n\n'
WANTED = ['{"a": "ü"}', "b", "c\n d"]


def events(*chunks: bytes) -> list[str]:
    parser = Events()
    return [data for chunk in chunks for data in parser.feed(chunk)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_of_three_ways(ending: str) -> None:
    assert events(PLAIN.replace("\n", ending).encode()) == WANTED


@given(
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    cuts=st.lists(st.integers(0, 120), max_size=12),
)
def test_where_the_bytes_are_cut_does_not_matter(ending: str, cuts: list[int]) -> None:
    content = PLAIN.replace("\n", ending).encode()
    places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    chunks = [content[start:end] for start, end in pairwise(places)]
    assert events(*chunks) == WANTED


def test_byte_by_byte() -> None:
    content = PLAIN.replace("\n", "\r\n").encode()
    assert events(*(bytes([byte]) for byte in content)) == WANTED


def test_comments_and_empty_events_give_nothing() -> None:
    assert events(b": keep-alive\n\n\n\nevent: ping\n\nretry: 3\n\n") == []


def test_a_space_after_the_colon_is_optional_and_data_may_be_empty() -> None:
    assert events(b"data:x\n\ndata\n\ndata: \n\n") == ["x", "", ""]


def test_a_byte_order_mark_is_left_out() -> None:
    assert events(b"\xef\xbb", b"\xbfdata: x\n\n") == ["x"]


def test_other_line_separators_belong_to_the_data() -> None:
    assert events("data: a\u2028b\x0bc\x85d\n\n".encode()) == ["a\u2028b\x0bc\x85d"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert events(b"data: \xff\n\n") == ["\ufffd"]


def test_an_event_is_given_only_when_it_has_ended() -> None:
    parser = Events()
    assert parser.feed(b"data: a\n") == []
    assert parser.feed(b"data: b") == []
    assert parser.end() == ["a\nb"]
    assert parser.end() == []
