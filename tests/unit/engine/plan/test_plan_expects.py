from __future__ import annotations

import pytest
from planning_names import VALLEY

from app.domain.plan import Expects
from app.engine.plan.comparison import find
from app.engine.plan.expects import of_choice, of_clause, of_operand, of_question
from app.engine.plan.tokens import read


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who built #1", "person"),
        ("Where was #2 born", "place"),
        ("When did #1 open", "date"),
        ("How many eels does #1 hold", "number"),
        ("Which country is #1 in", "place"),
        ("What film shows #1", "entity"),
        ("Did #1 freeze", "bool"),
        ("Why did #1 close", "text"),
        ("#1 crosses", "text"),
    ],
)
def test_a_question_expects_what_its_wh_word_asks_for(question: str, expected: Expects) -> None:
    assert of_question(question) == expected


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("the town where Isaura Venn was born", "place"),
        ("a company whose founder is Tobias Quill", "entity"),
        ("the woman who drew Skarn Tarn", "person"),
        ("the population of Callowby", "number"),
        ("the year in which Skarn Tarn froze", "date"),
        ("Isaura Venn's husband", "person"),
        ("director of Lantern Night", "person"),
        ("the thing behind Gauge House", "entity"),
    ],
)
def test_a_clause_expects_its_head_noun(clause: str, expected: Expects) -> None:
    assert of_clause(read(clause, VALLEY)) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which is older, Oxbow Mill or Gauge House?", "date"),
        ("Which opened more recently, Oxbow Mill or Gauge House?", "date"),
        ("Which lake is deeper, Skarn Tarn or Hallow Mere?", "number"),
        ("Which burnt down, Oxbow Mill or Gauge House?", "bool"),
        ("Are Oxbow Mill and Gauge House in the same county?", "place"),
        ("Are Oxbow Mill and Gauge House both mills?", "bool"),
    ],
)
def test_operands_expect_what_is_compared(question: str, expected: Expects) -> None:
    found = find(read(question, VALLEY))
    assert found is not None
    assert of_operand(found) == expected


def test_a_choice_is_never_mere_text() -> None:
    assert of_choice("Which is older, Oxbow Mill or Gauge House?") == "entity"
    assert of_choice("Who is older, Isaura Venn or Tobias Quill?") == "person"
