from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.plan import (
    LONGEST_TEXT,
    MOST_NODES,
    Op,
    Plan,
    SubQuestion,
    literal,
    references,
    single,
    violations,
)

QUESTION = "Who built the mill of the town where Isaura Venn was born?"
TOWN = SubQuestion("1", "the town where Isaura Venn was born", expects="place")
MILL = SubQuestion("2", "the mill of #1", ("1",), expects="entity")
BUILDER = SubQuestion("3", "Who built #2?", ("2",), expects="person")


def wrong(*nodes: SubQuestion, question: str = QUESTION) -> list[str]:
    return violations(question, nodes, "llm")


def test_a_chain_is_valid_and_each_node_has_its_own_rank() -> None:
    plan = Plan(QUESTION, (TOWN, MILL, BUILDER), "llm")
    assert plan.ranks() == [["1"], ["2"], ["3"]]
    assert plan.final is BUILDER
    assert plan.node("2") is MILL


def test_operands_share_a_rank_and_the_comparison_needs_both() -> None:
    nodes = (
        SubQuestion("1", "When was the Oxbow mill built?", expects="date"),
        SubQuestion("2", "When was the Skarn weir built?", expects="date"),
        SubQuestion("3", "Which is older: #1 or #2", ("1", "2"), "compare", "entity"),
    )
    plan = Plan("Which is older, the Oxbow mill or the Skarn weir?", nodes, "rules")
    assert plan.ranks() == [["1", "2"], ["3"]]
    assert plan.final.op == "compare"


def test_ranks_follow_the_needs_whatever_the_order_of_the_nodes() -> None:
    assert Plan(QUESTION, (BUILDER, MILL, TOWN), "llm").ranks() == [["1"], ["2"], ["3"]]


def test_a_node_that_does_not_exist_has_no_place() -> None:
    with pytest.raises(KeyError):
        Plan(QUESTION, (TOWN, MILL, BUILDER), "llm").node("4")


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ((), "1 to 6 nodes, not 0"),
        ((TOWN, SubQuestion("1", "#1's mill", ("1",))), "'1' is used 2 times"),
        ((SubQuestion("one", "the town of Isaura Venn"),), "'one' is not a number"),
        ((SubQuestion("1", "  "),), "node 1 has no text"),
        ((SubQuestion("1", "x" * (LONGEST_TEXT + 1)),), "301 characters"),
        ((SubQuestion("1", QUESTION.upper().rstrip("?")),), "node 1 repeats the question"),
        ((TOWN, SubQuestion("2", "the mill of #1")), "names #1, which is not in its needs"),
        ((TOWN, SubQuestion("2", "the mill", ("1",))), "its text has no #1"),
        ((TOWN, SubQuestion("2", "the mill of #1", ("1", "1"))), "needs a node twice"),
        ((SubQuestion("1", "the mill of #7", ("7",)),), "node 7, which does not exist"),
        ((SubQuestion("1", "the mill of #1", ("1",)),), "wait for each other"),
        (
            (SubQuestion("1", "the town of #2", ("2",)), SubQuestion("2", "#1's mill", ("1",))),
            "nodes 1 and 2 wait for each other",
        ),
        ((TOWN, MILL, SubQuestion("3", "a weir")), "node 3 needs nothing and nothing needs it"),
        (
            (TOWN, MILL, SubQuestion("3", "the weir of #1", ("1",))),
            "nodes 2 and 3 are not needed",
        ),
    ],
)
def test_an_invalid_plan_is_refused_and_the_reason_can_be_read(
    nodes: tuple[SubQuestion, ...], said: str
) -> None:
    assert said in "; ".join(wrong(*nodes))
    with pytest.raises(ValueError, match=r"node|id"):
        Plan(QUESTION, nodes, "llm")


def test_a_plan_has_at_most_six_nodes() -> None:
    chain = [TOWN]
    while len(chain) < MOST_NODES:
        last = chain[-1].id
        chain.append(SubQuestion(str(len(chain) + 1), f"the owner of #{last}", (last,)))
    assert wrong(*chain) == []
    assert wrong(*chain, SubQuestion("7", "the owner of #6", ("6",))) != []


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = wrong(SubQuestion("1", ""), SubQuestion("2", "the mill of #9"))
    assert len(found) == 3


@pytest.mark.parametrize(
    ("op", "least"), [("compare", 2), ("intersect", 2), ("union", 2), ("count", 1)]
)
def test_an_operator_needs_something_to_work_on(op: Op, least: int) -> None:
    other = SubQuestion("2", "the weir of Callowby")
    inputs = [TOWN, other][:least]
    ids = tuple(node.id for node in inputs)
    enough = SubQuestion("3", " ".join(f"#{id}" for id in ids), ids, op)
    assert wrong(*inputs, enough) == []
    assert f"at least {least}" in "; ".join(wrong(SubQuestion("3", "nothing", (), op)))


def test_a_single_plan_is_the_question_however_long_and_whatever_signs_it_holds() -> None:
    question = "Who sang the #1 hit of the year? " + "Please. " * 1_000
    plan = single(question, "person")
    assert plan.ranks() == [["1"]]
    assert plan.final.text == question
    assert plan.final.expects == "person"


@pytest.mark.parametrize("question", ["", " \n"])
def test_nothing_asked_is_no_plan(question: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        single(question)


def test_a_single_plan_asks_the_question_itself() -> None:
    with pytest.raises(ValueError, match="single"):
        Plan(QUESTION, (TOWN,), "single")
    with pytest.raises(ValueError, match="single"):
        Plan(QUESTION, (TOWN, MILL, BUILDER), "single")


def test_repairs_are_counted() -> None:
    assert Plan(QUESTION, (TOWN, MILL, BUILDER), "llm", repairs=1).repairs == 1
    with pytest.raises(ValueError, match="repairs"):
        Plan(QUESTION, (TOWN, MILL, BUILDER), "llm", repairs=-1)


def test_references_are_distinct_and_ordered() -> None:
    assert references("#2 of #1, not #2 or # 3") == ["2", "1"]


@given(st.text(alphabet="#0123456789٣ ab"))
def test_a_literal_text_refers_to_nothing(text: str) -> None:
    assert references(literal(text)) == []


@given(
    st.lists(
        st.builds(
            SubQuestion,
            id=st.sampled_from(("1", "2", "3", "x", "")),
            text=st.sampled_from(("", "a mill", "#1", "#1 and #2", "#3 of #2", QUESTION)),
            needs=st.lists(st.sampled_from(("1", "2", "3", "9")), max_size=3).map(tuple),
            op=st.sampled_from(("retrieve", "compare", "count")),
        ),
        max_size=5,
    )
)
def test_a_plan_without_violations_can_be_walked_to_its_end(nodes: list[SubQuestion]) -> None:
    if wrong(*nodes):
        with pytest.raises(ValueError, match=r"node|id"):
            Plan(QUESTION, tuple(nodes), "llm")
        return
    plan = Plan(QUESTION, tuple(nodes), "llm")
    done: set[str] = set()
    for rank in plan.ranks():
        assert all(done.issuperset(plan.node(id).needs) for id in rank)
        done.update(rank)
    assert done == {node.id for node in nodes}
    assert plan.ranks()[-1] == [plan.final.id]
