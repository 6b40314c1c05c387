from __future__ import annotations

import pytest

from app.engine.reading.sentences import LONGEST_SENTENCE, sentences


def cut(text: str) -> list[str]:
    return [text[s.start : s.end] for s in sentences(text)]


def test_full_stops_question_marks_and_exclamations_end_sentences() -> None:
    assert cut("The lock is shut. Is it? Yes! Go on.") == [
        "The lock is shut.",
        "Is it?",
        "Yes!",
        "Go on.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Dr. J. R. Marsh of St. Ober met Mrs. Vale at 5 p.m. near No. 9 Quay Street.",
        "The pier is 3.5 metres wide (cf. p. 12) and cost approx. 40 crowns.",
        'She said "Stop. there" and left.',
        "The ferry (built in the U.S. Navy yard) still runs.",
    ],
)
def test_abbreviations_initials_and_decimals_do_not_end_sentences(text: str) -> None:
    assert cut(text) == [text]


def test_closing_quotes_and_brackets_stay_with_their_sentence() -> None:
    text = 'He called "Wait!" (Nobody did.) Then it rained.'
    assert cut(text) == ['He called "Wait!"', "(Nobody did.)", "Then it rained."]


def test_a_spaced_full_stop_ends_a_sentence_too() -> None:
    text = "It is filmed in the valley . The crew is small ."
    assert cut(text) == ["It is filmed in the valley .", "The crew is small ."]


def test_wrapped_lines_are_one_sentence_and_short_lines_are_units() -> None:
    text = "A sentence that was wrapped by hand at some column\nand ends here.\nName: Otter\nAge: 5"
    assert cut(text) == [
        "A sentence that was wrapped by hand at some column\nand ends here.",
        "Name: Otter",
        "Age: 5",
    ]


def test_list_marks_heading_marks_and_table_bars_are_left_outside() -> None:
    text = "## Parts\n- a hinge pin\n2) a seal strip\n| gate | east |\n> a quotation."
    assert cut(text) == ["Parts", "a hinge pin", "a seal strip", "gate | east", "a quotation."]


def test_scripts_without_spaces_and_other_full_stops_are_cut() -> None:
    assert cut("今日は晴れ。明日は雨。") == ["今日は晴れ。", "明日は雨。"]
    assert cut("本当\uff1fはい\uff01") == ["本当\uff1f", "はい\uff01"]
    assert cut("أين النهر؟ هنا.") == ["أين النهر؟", "هنا."]
    assert cut("नदी यहाँ है। पुल वहाँ है।") == ["नदी यहाँ है।", "पुल वहाँ है।"]


def test_lines_above_prose_are_headings_and_bare_facts_are_not() -> None:
    text = "Visiting\n\nThe mill is open.\n\n# Parts\nA pin.\n\none fact\n\nanother fact"
    headings = [text[s.start : s.end] for s in sentences(text) if s.heading]
    assert headings == ["Visiting", "Parts"]


def test_an_underlined_line_is_a_heading() -> None:
    text = "The old weir\n============\nIt leaks."
    assert [(text[s.start : s.end], s.heading) for s in sentences(text)] == [
        ("The old weir", True),
        ("It leaks.", False),
    ]


def test_a_page_without_punctuation_is_cut_at_spaces() -> None:
    text = "water " * 400
    parts = cut(text)
    assert all(len(part) <= LONGEST_SENTENCE for part in parts)
    assert "".join(parts).count("water") == 400


def test_marks_alone_are_no_sentence() -> None:
    assert cut(" … --- \n\n * \n ''") == []
    assert cut("") == []
