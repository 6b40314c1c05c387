from __future__ import annotations

import pytest
from planning_names import VALLEY

from app.engine.plan.comparison import Sense, find, sense, unfold
from app.engine.plan.tokens import read, render


def parts(question: str) -> list[str] | None:
    found = find(read(question, VALLEY))
    return [render(nodes) for nodes in unfold(found)[0]] if found else None


@pytest.mark.parametrize(
    ("question", "nodes"),
    [
        (
            "Which is older, Oxbow Mill or Nine Heron Bridge?",
            ["is older Oxbow Mill", "is older Nine Heron Bridge"],
        ),
        (
            "Which lake is deeper: Skarn Tarn or Hallow Mere?",
            ["lake is deeper Skarn Tarn", "lake is deeper Hallow Mere"],
        ),
        # Behind a word of a scale the comma may be missing.
        (
            "Who was born first Isaura Venn or Tobias Quill?",
            ["was born first Isaura Venn", "was born first Tobias Quill"],
        ),
        ("Who , Venn or Quill?", ["Venn", "Quill"]),
        (
            "Are both Isaura Venn and Tobias Quill from the same town?",
            ["Isaura Venn from the same town", "Tobias Quill from the same town"],
        ),
        (
            "Is Skarn Tarn and Hallow Mere a lake?",
            ["Skarn Tarn a lake", "Hallow Mere a lake"],
        ),
        # The operands are to be looked up first.
        (
            "Which film has the director who was born later, Lantern Night or Low Water?",
            [
                "director of Lantern Night",
                "film has the director who was born later #1",
                "director of Low Water",
                "film has the director who was born later #3",
            ],
        ),
        (
            "Who has more eels, the mayor of Callowby or the mayor of Hallowmere?",
            [
                "the mayor of Callowby",
                "has more eels #1",
                "the mayor of Hallowmere",
                "has more eels #3",
            ],
        ),
    ],
)
def test_each_operand_is_asked_the_same(question: str, nodes: list[str]) -> None:
    assert parts(question) == nodes


@pytest.mark.parametrize(
    "question",
    [
        "Which is taller, red or blue?",
        "Which is taller, Oxbow Mill or",
        "Which is taller, or Oxbow Mill?",
        "Who is older than Isaura Venn?",
        "Are Isaura Venn and Tobias Quill ready?",
        "Is Isaura Venn a painter?",
        "Are both and",
        "Tell me: Oxbow Mill or Gauge House?",
        "",
    ],
)
def test_other_questions_compare_nothing(question: str) -> None:
    assert parts(question) is None


def test_the_ends_are_the_nodes_whose_answers_are_compared() -> None:
    found = find(read("Which film has the older director, Lantern Night or Low Water?", VALLEY))
    assert found is not None
    assert unfold(found)[1] == (2, 4)
    assert found.asked_of_both(2, 4) == "Which film has the older director: #2 or #4"


def test_a_question_for_yes_or_no_keeps_its_order_of_words() -> None:
    found = find(read("Are both Oxbow Mill and Gauge House in the same county?", VALLEY))
    assert found is not None
    assert found.asked_of_both(1, 2) == "Are both #1 and #2 in the same county"


@pytest.mark.parametrize(
    ("text", "decides"),
    [
        ("Who is older: #1 or #2", "least"),
        ("Which of #1 and #2 has fewer eels", "least"),
        ("Which mill burnt down most recently: #1 or #2", "most"),
        ("Was #1 or #2 built later", "most"),
        ("Are #1 and #2 in the same county", "equal"),
        ("whether #1 and #2 are the same", "equal"),
        ("Are both #1 and #2 lakes", "both"),
        ("Which was drowned by the flood: #1 or #2", "which"),
        ("", "which"),
    ],
)
def test_the_text_of_a_comparison_says_what_decides_it(text: str, decides: Sense) -> None:
    assert sense(text) == decides
