"""Values count only from passages about the right thing."""

from __future__ import annotations

from answering import chunk

from app.engine.reasoning.grounds import about


def test_a_title_that_the_sub_question_names_is_what_it_is_about() -> None:
    lock = chunk("a", "It was opened in 1912.", "Lock at Kell")
    assert about("When was the Lock at Kell opened?", lock)
    assert about("lock at kell opening", lock)


def test_a_qualifier_of_a_title_need_not_be_named() -> None:
    film = chunk("a", "It came out in 1951.", "Kell (1951 film)")
    assert about("When did Kell come out?", film)


def test_something_of_the_same_kind_is_something_else() -> None:
    mill = chunk("a", "The mill at Kell was opened in 1915.", "Tern Mill")
    assert not about("When was the Lock at Kell opened?", mill)


def test_a_longer_name_is_another_name() -> None:
    other = chunk("a", "Ada Venn Marsh was born in 1929.", "Ada Venn Marsh")
    assert not about("When was Ada Venn born?", other)


def test_without_a_title_the_sentence_must_name_it() -> None:
    passage = chunk("a", "Tern Mill was opened in 1915. The Lock at Kell is older.")
    assert about("When was Tern Mill opened?", passage, "Tern Mill was opened in 1915.")
    assert not about("When was Dove Mill opened?", passage, "Tern Mill was opened in 1915.")
