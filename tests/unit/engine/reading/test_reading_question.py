from __future__ import annotations

import pytest

from app.engine.reading.question import MOST_TERMS, Kind, asked


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When was the Callowby lock built?", "date"),
        ("In what year did the ice break the weir?", "date"),
        ("The choir that sings at Lantern Night was founded in which century?", "date"),
        ("How many barges pass in a day?", "number"),
        ("What is the population of Hallowmere?", "number"),
        ("Who repaired the clock?", "person"),
        ("Which engineer designed the bridge?", "person"),
        ("Who is the father of the engineer who drew the first map?", "person"),
        ("Where does the ferry land?", "place"),
        ("Which river runs past the mill?", "place"),
        ("What is the name of the ferry horse?", "name"),
        ("Which barge sank in 1823?", "text"),
        ("Why does the church clock run fast?", "reason"),
        ("How is the gate raised?", "reason"),
        ("Is the mill still at work?", "verdict"),
        ("What did the man who counted the eels use?", "text"),
        ("oldest lock on the river", "text"),
        ("今日は何曜日ですか", "text"),
        ("", "text"),
    ],
)
def test_the_kind_of_answer_is_read_from_the_asking_phrase(question: str, kind: Kind) -> None:
    assert asked(question).kind == kind


def test_a_relative_clause_does_not_ask() -> None:
    read = asked("What song did the crew sing when the barge who won the race came home?")
    assert read.kind == "name"


def test_names_codes_and_quotations_are_found_and_the_first_word_is_not() -> None:
    read = asked('Does the part HV-2207 of "the upper gate" fit at Otter Bank in Hallowmere?')
    assert read.names == ("HV-2207", "the upper gate", "Otter Bank", "Hallowmere")
    assert asked("Hallowmere has how many mills?").names == ()


def test_a_possessive_is_no_part_of_a_name() -> None:
    assert asked("Who is Isaura Venn's father?").names == ("Isaura Venn",)


def test_the_asked_for_words_are_the_head() -> None:
    assert asked("Which stone bridge is the oldest?").head == {"ston", "bridg"}
    assert asked("How many bronze herons stand on it?").head >= {"bronz", "heron"}


def test_counting_and_summing_are_noticed() -> None:
    assert asked("What is the total toll of the Marigold?").aggregate
    assert asked("How many tolls were paid?").aggregate
    assert not asked("Who paid the toll?").aggregate


def test_stop_words_alone_leave_no_terms() -> None:
    assert asked("who is he and what does she do").terms == ()


def test_a_question_of_thousands_of_characters_is_read_within_bounds() -> None:
    words = " ".join(f"word{n}" for n in range(2_000))
    read = asked(f"Where is {words}?")
    assert len(read.terms) == MOST_TERMS
    assert read.text.endswith("?")
