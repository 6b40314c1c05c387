from __future__ import annotations

import pytest
from planning_names import EMPTY, VALLEY, Index

from app.domain.plan import references
from app.engine.plan.tokens import content, has_name, needs, read, reference, render


def texts(question: str, names: Index = VALLEY) -> list[str]:
    return [token.text for token in read(question, names)]


def test_a_name_of_the_index_is_one_token_and_the_longest_wins() -> None:
    known = Index("nine heron", "nine heron bridge")
    assert texts("Who built Nine Heron Bridge?", known) == ["Who", "built", "Nine Heron Bridge"]
    assert texts("Who built Nine Heron Bridge?", EMPTY)[2:] == ["Nine", "Heron", "Bridge"]


def test_a_possessive_and_its_sign_belong_to_the_name() -> None:
    assert texts("Where is Isaura Venn's mill?")[2] == "Isaura Venn's"
    assert texts("Where is Isaura Venn\u2019s mill?")[2] == "Isaura Venn\u2019s"


def test_the_word_that_asks_begins_no_name() -> None:
    assert texts("What is it?", Index("what is")) == ["What", "is", "it"]
    assert texts("Who rises?", Index("who rises")) == ["Who", "rises"]


def test_two_names_in_a_list_are_not_one() -> None:
    assert texts("Is it Venn, Quill?", Index("venn quill")) == ["Is", "it", "Venn,", "Quill"]


def test_a_sign_between_spaces_belongs_to_no_name() -> None:
    assert texts("Is Oxbow Mill , or is it not?")[1:3] == ["Oxbow Mill", ","]


def test_a_name_begins_with_a_capital() -> None:
    assert texts("the oxbow mill") == ["the", "oxbow", "mill"]


@pytest.mark.parametrize(
    ("word", "is_name"),
    [
        ("Callowby", True),
        ('"Lantern', True),
        ("(Low", True),
        ("1912", True),
        ("Łódź", True),
        ("Ζάκυνθος", True),
        ("19th", False),
        ("19th-century", False),
        ("mill", False),
        ("#1", False),
        ("-", False),
        ("山", False),
    ],
)
def test_names_are_told_by_their_first_sign(word: str, is_name: bool) -> None:
    assert has_name(read(word, EMPTY)) is is_name


def test_content_leaves_out_function_words_and_answers_but_no_joined_name() -> None:
    tokens = [*read("What is the name of", VALLEY), reference(1)]
    assert content(tokens) == []
    assert content(read("Who saw The Who", VALLEY)) == ["saw", "the who"]


def test_a_number_sign_of_the_question_is_no_reference() -> None:
    tokens = [*read("Who sang the #1 hit of", VALLEY), reference(2)]
    assert needs(tokens) == ("2",)
    assert render(tokens) == "Who sang the # 1 hit of #2"
    assert references(render(tokens)) == ["2"]


def test_the_comma_a_clause_ended_with_is_not_asked() -> None:
    assert render(read("the mill by the weir,", EMPTY)) == "the mill by the weir"


@pytest.mark.parametrize("question", ["", "   ", "?", "???", "\n\t"])
def test_nothing_is_read_from_nothing(question: str) -> None:
    assert read(question, VALLEY) == []
