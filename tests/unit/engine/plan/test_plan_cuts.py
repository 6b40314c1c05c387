from __future__ import annotations

import pytest
from planning_names import VALLEY

from app.engine.plan.cuts import Cut, cuts, nominal, possessive, relative
from app.engine.plan.tokens import read, render


def cut_out(question: str, cut: Cut | None) -> str | None:
    return render(read(question, VALLEY)[cut.start : cut.end]) if cut else None


@pytest.mark.parametrize(
    ("question", "clause"),
    [
        (
            "Who built the mill of the town where Isaura Venn was born?",
            "the town where Isaura Venn was born",
        ),
        (
            "What is the depth of a lake that borders Callowby?",
            "a lake that borders Callowby",
        ),
        (
            "Who owns the county in which Tobias Quill died?",
            "the county in which Tobias Quill died",
        ),
        (
            "Which eels live in the lake bordering Callowby today?",
            "the lake bordering Callowby today",
        ),
        # The main clause goes on with a verb of its own.
        (
            "When did the man who drew Skarn Tarn have a stroke?",
            "the man who drew Skarn Tarn",
        ),
        # "did" asks, so what follows the name is the main verb.
        (
            "Where did the woman who painted Skarn Tarn study?",
            "the woman who painted Skarn Tarn",
        ),
        (
            "What is the depth of the lake that Gauge House can be seen from?",
            "the lake that Gauge House can be seen from",
        ),
        # A comma that no name follows ends the clause.
        (
            "Did the man who drew Skarn Tarn, before it froze, leave Callowby?",
            "the man who drew Skarn Tarn",
        ),
        # Without a name the clause has no end but the question's.
        ("Who taught the man who won the most races?", "the man who won the most races"),
        ("Who is Isaura Venn?", None),
        ("What do those who fish eat?", None),
    ],
)
def test_a_relative_clause_is_cut_out_with_its_noun(question: str, clause: str | None) -> None:
    assert cut_out(question, relative(read(question, VALLEY))) == clause


@pytest.mark.parametrize(
    ("question", "clause"),
    [
        ("When did Isaura Venn's father die?", "Isaura Venn's father"),
        (
            "Where did the Duke of Callowby's eldest daughter live?",
            "Duke of Callowby's eldest daughter",
        ),
        ("Where is Skarn Tarn's deepest point found?", "Skarn Tarn's deepest point"),
        ("Who met Duke of Callowby's second wife there?", "Duke of Callowby's second wife"),
        ("Who sold the Millers' boat?", "Millers' boat"),
        ("When was Rook\u2019s hill's mast built?", "Rook\u2019s hill's mast"),
        ("What of Skarn Tarn's is left?", None),
        ("Whose is the painter's?", None),
    ],
)
def test_a_possessive_is_cut_out_with_what_is_owned(question: str, clause: str | None) -> None:
    assert cut_out(question, possessive(read(question, VALLEY))) == clause


@pytest.mark.parametrize(
    ("question", "clause"),
    [
        ("Where was the founder of the Oxbow Mill buried?", "the founder of the Oxbow Mill"),
        ("Who is the child of the owner of Gauge House?", "the owner of Gauge House"),
        ("Who fed the three grey herons in Callowby?", "the three grey herons in Callowby"),
        ("Who is the owner of the mill?", None),
        ("Where is The Founder of Callowby?", None),
    ],
)
def test_a_noun_is_cut_out_with_the_name_it_belongs_to(question: str, clause: str | None) -> None:
    assert cut_out(question, nominal(read(question, VALLEY))) == clause


def test_the_innermost_comes_first() -> None:
    question = "What team did the man who trained with the coach of Callowby join?"
    assert [cut.kind for cut in cuts(read(question, VALLEY))] == ["nominal", "relative"]


def test_a_cut_leaves_something() -> None:
    whole = read("Isaura Venn's mother", VALLEY)
    assert possessive(whole) == Cut("possessive", 0, 2)
    assert cuts(whole) == []
    assert cuts([]) == []
