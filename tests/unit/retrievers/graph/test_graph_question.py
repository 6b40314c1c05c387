from __future__ import annotations

from retrievers.graph.question import MOST_WORDS, read


def test_names_may_start_at_capitals_and_digits_only() -> None:
    question = read("Who directed the 1999 film with Ada Bell?")
    assert [question.words[place] for place in question.starts] == ["who", "1999", "ada", "bell"]
    assert question.spans == ("1999", "ada bell") or question.spans == ("ada bell",)


def test_a_question_with_fewer_than_two_capitals_is_read_case_blind() -> None:
    assert read("who directed lianna").starts == (0, 1, 2)
    assert read("Who directed lianna").starts == (0, 1, 2)


def test_a_capital_at_the_start_of_a_sentence_names_nothing() -> None:
    question = read("Find articles by Salton. List all by Ada Bell.")
    assert question.named == {"salton", "ada", "bell"}


def test_a_question_without_end_is_cut() -> None:
    question = read("Kell " * 100_000)
    assert len(question.words) == len(question.display) == MOST_WORDS
