from __future__ import annotations

import time

import pytest
from planning_names import VALLEY

from app.engine.plan.cuts import Cut, cuts, nominal, possessive, reduced, relative
from app.engine.plan.tokens import read, render, word


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
        # The auxiliary stands before the noun, so the question's verb is still to come.
        ("When was the firm that built Oxbow Mill closed?", "the firm that built Oxbow Mill"),
        ("When was the firm that ran Oxbow Mill sold?", "the firm that ran Oxbow Mill"),
        ("When was the mill where Tobias Quill died closed?", "the mill where Tobias Quill died"),
        ("When was the film that shows Tobias Quill made?", "the film that shows Tobias Quill"),
        (
            "When did the town where Gauge House is located become part of Kell?",
            "the town where Gauge House is located",
        ),
        # A participle behind a form of "be" is the clause's own.
        (
            "When was the hill that Gauge House was made from split?",
            "the hill that Gauge House was made from",
        ),
        (
            "When did the hill that Gauge House was made from burst?",
            "the hill that Gauge House was made from",
        ),
        # Who asks has done it: no verb is still to come.
        (
            "Who was the painter that Isaura Venn admired most?",
            "the painter that Isaura Venn admired most",
        ),
        # No auxiliary, no verb to wait for.
        (
            "Where in the valley lies the mill that Isaura Venn sold twice?",
            "the mill that Isaura Venn sold twice",
        ),
    ],
)
def test_a_clause_ends_before_the_verb_that_the_auxiliary_waits_for(
    question: str, clause: str
) -> None:
    assert cut_out(question, relative(read(question, VALLEY))) == clause


@pytest.mark.parametrize(
    ("question", "clause"),
    [
        (
            "The town where Isaura Venn died has how many bridges?",
            "The town where Isaura Venn died",
        ),
        # Nothing is asked behind the clause.
        ("The town where Isaura Venn died?", None),
        # Another noun phrase than the first may ask of its clause.
        ("A town where Isaura Venn died has how many bridges?", None),
    ],
)
def test_a_question_may_begin_with_its_clause(question: str, clause: str | None) -> None:
    assert cut_out(question, relative(read(question, VALLEY))) == clause


@pytest.mark.parametrize(
    ("question", "clause"),
    [
        ("When did the village Isaura Venn is from burn?", "the village Isaura Venn is from"),
        (
            "Who owns the grey stone mill Tobias Quill founded?",
            "the grey stone mill Tobias Quill founded",
        ),
        (
            "Who led the war the Duke of Callowby fought in?",
            "the war the Duke of Callowby fought in",
        ),
        ("When did the siege Anna of Kell was killed in end?", None),
        ("When did the siege Anna of Kell was born in end?", "the siege Anna of Kell was born in"),
        # A form of "be" alone is the verb of the question.
        ("Who says the painter Isaura Venn is rich?", None),
        ("Who is the painter Isaura Venn?", None),
        # No noun, or too many words for one.
        ("Who says the Oxbow Mill is in Kell?", None),
        ("Who saw the tall thin grey mill Tobias Quill founded?", None),
        # A question does not begin with it.
        ("the village Isaura Venn is from", None),
    ],
)
def test_a_clause_without_its_pronoun_is_cut_out(question: str, clause: str | None) -> None:
    tokens = read(question, VALLEY)
    assert cut_out(question, reduced(tokens)) == clause
    assert clause is None or reduced(tokens) in cuts(tokens)


@pytest.mark.parametrize(
    "words",
    ["the A", "A's of", "the mill A the A", "the mill A is from", "the firm that built A"],
)
def test_cuts_cost_in_proportion_to_the_length(words: str) -> None:
    tokens = [word(text) for text in f"When did {f'{words} ' * 6_000}".split()]
    began = time.process_time()
    cuts(tokens)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("question", "clause"),
    [
        ("When did Isaura Venn's father die?", "Isaura Venn's father"),
        # A role that is written like a name owns nothing.
        ("Where was the CEO of Isaura Venn's buyer born?", "Isaura Venn's buyer"),
        ("Where was the Purchaser of Isaura Venn's boat born?", "Isaura Venn's boat"),
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
        (
            "When did the city where the author of Skarn Tarn died burn?",
            "the author of Skarn Tarn",
        ),
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
