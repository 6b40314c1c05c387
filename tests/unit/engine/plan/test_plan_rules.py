from __future__ import annotations

import pytest
from planning_names import EMPTY, VALLEY

from app.engine.plan.rules import LONGEST_QUESTION, RulePlan, plan, split


def planned(question: str) -> RulePlan:
    found = plan(question, VALLEY)
    assert found is not None
    return found


def lines(found: RulePlan) -> list[tuple[str, tuple[str, ...], str, str]]:
    return [(node.text, node.needs, node.op, node.expects) for node in found.plan.nodes]


def test_a_bridge_is_asked_from_the_inside() -> None:
    found = planned("Who built the mill of the town where Isaura Venn was born?")
    assert (found.kind, found.cuts) == ("bridge", ("relative", "nominal"))
    assert lines(found) == [
        ("the town where Isaura Venn was born", (), "retrieve", "place"),
        ("the mill of #1", ("1",), "retrieve", "entity"),
        ("Who built #2", ("2",), "retrieve", "person"),
    ]
    assert found.plan.source == "rules"
    assert found.plan.ranks() == [["1"], ["2"], ["3"]]


def test_a_possessive_is_a_bridge() -> None:
    found = planned("When did Isaura Venn's father die?")
    assert (found.kind, found.cuts) == ("bridge", ("possessive",))
    assert lines(found) == [
        ("Isaura Venn's father", (), "retrieve", "person"),
        ("When did #1 die", ("1",), "retrieve", "date"),
    ]


def test_at_most_four_cuts_are_made() -> None:
    found = planned(
        "Who is the wife of the son of the owner of the founder of the builder of Oxbow Mill?"
    )
    assert len(found.plan.nodes) == 5
    deeper = split(
        "Who is the wife of the son of the uncle of the owner of the founder of the builder"
        " of Oxbow Mill?",
        VALLEY,
    )
    assert len(deeper.nodes) == 5


def test_two_clauses_side_by_side_share_a_rank() -> None:
    found = planned(
        "Which lake did the owner of Gauge House have drained by the founder of Oxbow Mill?"
    )
    assert found.plan.ranks() == [["1", "2"], ["3"]]


def test_a_comparison_ends_in_a_node_that_compares() -> None:
    found = planned("Which mill is older, Oxbow Mill or Gauge House?")
    assert found.kind == "comparison"
    assert lines(found) == [
        ("mill is older Oxbow Mill", (), "retrieve", "date"),
        ("mill is older Gauge House", (), "retrieve", "date"),
        ("Which mill is older: #1 or #2", ("1", "2"), "compare", "entity"),
    ]
    assert (found.operands, found.sense) == (("Oxbow Mill", "Gauge House"), "least")


def test_the_operands_names_do_not_decide_the_comparison() -> None:
    found = planned("Which film was released later, First Light or Lantern Night?")
    assert found.sense == "most"


def test_a_comparison_over_a_bridge_has_both() -> None:
    found = planned("Which film has the director who was born later, Lantern Night or Low Water?")
    assert found.kind == "bridge-comparison"
    assert found.plan.ranks() == [["1", "3"], ["2", "4"], ["5"]]
    assert found.plan.final.op == "compare"
    assert found.plan.final.needs == ("2", "4")
    assert [node.expects for node in found.plan.nodes] == [
        "person", "date", "person", "date", "entity",
    ]  # fmt: skip


def test_a_question_whether_two_are_the_same_is_answered_by_yes_or_no() -> None:
    found = planned("Are both Isaura Venn and Tobias Quill of the same nationality?")
    assert found.plan.final.expects == "bool"
    assert found.sense == "equal"
    assert [node.expects for node in found.plan.nodes[:2]] == ["place", "place"]


def test_an_intersection_asks_each_predicate_and_intersects() -> None:
    found = planned("Which stone bridge crosses Skarn Tarn and was designed by Isaura Venn?")
    assert found.kind == "intersection"
    assert lines(found) == [
        ("Which stone bridge crosses Skarn Tarn", (), "retrieve", "list"),
        ("Which stone bridge was designed by Isaura Venn", (), "retrieve", "list"),
        ("Which stone bridge: in both #1 and #2", ("1", "2"), "intersect", "entity"),
    ]


@pytest.mark.parametrize(
    "question",
    [
        "Who married Tobias Quill and that was seen?",
        "Who married and was seen at Skarn Tarn?",
        "Who saw Skarn Tarn and Gauge House?",
        "Mary was seen at Skarn Tarn and was seen at Gauge House",
        "Which man saw Skarn Tarn and that",
    ],
)
def test_without_two_named_predicates_nothing_intersects(question: str) -> None:
    assert split(question, VALLEY).kind == "one-hop"


@pytest.mark.parametrize(
    "question", ["How deep is Skarn Tarn?", "Is Isaura Venn a painter?", "Who is Tobias Quill?"]
)
def test_one_hop_is_not_planned(question: str) -> None:
    assert split(question, VALLEY).kind == "one-hop"
    assert plan(question, VALLEY) is None


@pytest.mark.parametrize(
    ("clause", "complete"),
    [
        ("the team that has won the harbour cup twice", True),
        ("the team that has won the cup twice", False),
        # Words without content do not count.
        ("the team that has won the cup of it in that year", False),
    ],
)
def test_a_node_without_a_name_needs_five_words(clause: str, complete: bool) -> None:
    question = f"Who trains {clause}?"
    found = split(question, VALLEY)
    assert [len(found.nodes), found.complete] == [2, complete]
    assert (plan(question, VALLEY) is not None) == complete


@pytest.mark.parametrize(
    ("question", "nodes"),
    [
        (
            "When was the firm that built Oxbow Mill closed?",
            ["the firm that built Oxbow Mill", "When was #1 closed"],
        ),
        (
            "When did the village Isaura Venn is from burn?",
            ["the village Isaura Venn is from", "When did #1 burn"],
        ),
        (
            "The town where Isaura Venn died has how many bridges?",
            ["The town where Isaura Venn died", "#1 has how many bridges"],
        ),
        (
            "Where was the CEO of Isaura Venn's buyer born?",
            ["Isaura Venn's buyer", "Where was the CEO of #1 born"],
        ),
    ],
)
def test_a_clause_is_asked_whole_and_its_verb_stays_outside(
    question: str, nodes: list[str]
) -> None:
    assert [node.text for node in planned(question).plan.nodes] == nodes


@pytest.mark.parametrize(
    "question",
    [
        # The innermost question names nothing that could be looked up.
        "Who taught the man who won the most races?",
        # No capitals, so nothing is known to be a name.
        "who built the mill of the town where isaura venn was born?",
        # An operand without a name.
        "Are the red and the blue a pair?",
    ],
)
def test_an_incomplete_plan_is_not_made(question: str) -> None:
    assert not split(question, VALLEY).complete
    assert plan(question, VALLEY) is None


def test_a_cut_that_leaves_nothing_to_ask_is_not_made() -> None:
    assert split("Who is Isaura Venn's father?", VALLEY).kind == "one-hop"
    assert split("What is the name of the mayor of Callowby?", VALLEY).kind == "one-hop"


def test_a_noun_within_a_clause_stays_there_unless_it_is_a_relation() -> None:
    found = planned("When did the woman who saw the bear in Callowby die?")
    assert found.plan.nodes[0].text == "the woman who saw the bear in Callowby"
    found = planned("When did the woman who saw the coach of Callowby die?")
    assert found.plan.nodes[0].text == "the coach of Callowby"
    assert split("Who fed the grey herons in Callowby with old bread?", VALLEY).kind == "one-hop"


def test_verbs_go_back_to_a_question_that_would_have_none() -> None:
    found = planned("Where was the man who drew Skarn Tarn born?")
    assert [node.text for node in found.plan.nodes] == [
        "the man who drew Skarn Tarn",
        "Where was #1 born",
    ]


def test_a_name_of_the_index_is_not_cut_apart() -> None:
    question = "Where did the Duke of Callowby sleep?"
    assert plan(question, VALLEY) is None


def test_an_unknown_name_is_read_word_by_word() -> None:
    found = plan("Who built the mill of the town where Isaura Venn was born?", EMPTY)
    assert found is not None
    assert found.plan.nodes[0].text == "the town where Isaura Venn was born"


def test_a_number_sign_in_the_question_names_no_node() -> None:
    found = planned("Who sang the #1 hit of the town where Isaura Venn was born?")
    assert found.plan.nodes[1].text == "the # 1 hit of #1"
    assert found.plan.nodes[1].needs == ("1",)
    assert plan("Who sang #1 and #2?", VALLEY) is None


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?",
        " ? ",
        "!?.,;:'\"",
        "''s 's s' 's",
        ", or , or ,",
        "#1",
        "#1 #2 #3",
        "\x00",
        "、。\uff1f",
    ],
)
def test_odd_input_is_not_planned(question: str) -> None:
    assert plan(question, VALLEY) is None


def test_other_scripts_are_read_and_left_whole() -> None:
    assert plan("磨坊在哪里?", VALLEY) is None
    found = planned("Where was the founder of the Ōkawa Mühle in Żabno buried?")
    assert found.plan.nodes[0].text == "the founder of the Ōkawa Mühle in Żabno"


def test_a_question_longer_than_all_nodes_together_is_left_whole() -> None:
    long = "Who built the mill of the town where Isaura Venn was born " * 200
    assert len(long) > LONGEST_QUESTION
    assert plan(long, VALLEY) is None


def test_a_node_that_would_be_too_long_ends_the_plan() -> None:
    question = f"Where was the founder of Oxbow Mill in {'Great ' * 60}Callowby buried?"
    assert split(question, VALLEY).complete
    assert plan(question, VALLEY) is None
