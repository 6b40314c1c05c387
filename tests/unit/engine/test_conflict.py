"""Sources that contradict each other."""

from __future__ import annotations

from answering import chunk, hits

from app.engine.steps.write import write


def test_documents_that_contradict_each_other_are_both_shown() -> None:
    one = chunk("a", "The lock at Kell was opened in 1912.", "Lock at Kell")
    other = chunk("b", "The lock at Kell was opened in 1915.", "Canals")
    draft = write("When was the lock at Kell opened?", hits(one, other))
    assert draft.differing is not None
    assert set(draft.differing) == {"1912", "1915"}
    assert {pick.chunk.document_id for pick in draft.picks} == {"a", "b"}
    assert draft.short is None


def test_a_date_that_is_more_exact_is_no_contradiction() -> None:
    one = chunk("a", "The lock at Kell was opened in 1912.", "Lock at Kell")
    other = chunk("b", "The lock at Kell was opened on 3 May 1912.", "Canals")
    assert write("When was the lock at Kell opened?", hits(one, other)).differing is None


def test_a_date_of_something_else_is_no_contradiction() -> None:
    one = chunk("a", "The lock at Kell was opened in 1912.", "Lock at Kell")
    other = chunk("b", "The mill at Kell was opened in 1915.", "Mill")
    assert write("When was the lock at Kell opened?", hits(one, other)).differing is None
