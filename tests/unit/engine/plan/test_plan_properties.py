"""Whatever is asked: a plan that is made is valid, the same each time, and quickly made."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_names import VALLEY

from app.domain.plan import references, violations
from app.engine.plan.features import surface
from app.engine.plan.rules import plan, split
from app.engine.plan.tokens import needs

WORDS = """
who whose which what when where that and or of in by the a both same first older born was is did
have 's #1 # ? , : mill town founder director father crosses built bordering Callowby Venn's Quill,
"Lantern Night" (Low 1912 19th Isaura Venn Oxbow Mill Skarn Tarn Ōkawa élan 山
""".split()  # noqa: SIM905 - a list of strings would hide the words

questions = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join),
    st.text(max_size=200),
)


@given(questions)
def test_every_plan_is_valid_and_its_references_resolve(question: str) -> None:
    found = plan(question, VALLEY)
    if found is None:
        return
    nodes = found.plan.nodes
    assert violations(question, nodes, "rules") == []
    assert found.kind != "one-hop"
    for node in nodes:
        assert references(node.text) == list(node.needs)
        assert all(int(need) < int(node.id) for need in node.needs)


@given(questions)
def test_a_split_numbers_its_nodes_so_that_each_follows_what_it_needs(question: str) -> None:
    found = split(question, VALLEY)
    for number, tokens in enumerate(found.nodes, start=1):
        assert all(int(need) < number for need in needs(tokens))
    assert (found.kind == "one-hop") == (not found.cuts and found.joins is None)


@given(questions)
def test_planning_depends_on_nothing_but_the_question(question: str) -> None:
    assert plan(question, VALLEY) == plan(question, VALLEY)
    assert surface(question) == surface(question)


@given(questions)
def test_space_around_a_question_changes_nothing(question: str) -> None:
    if len(question) < 300:
        assert split(f"  {question}\n", VALLEY) == split(question, VALLEY)


@pytest.mark.parametrize(
    "phrase",
    ["the x of ", "Ab's the ", "who ", "and ", "are A and B ", "the A that ", "' ", "Aa, ", "x"],
)
@pytest.mark.parametrize("length", [1_700, 8_000])
@pytest.mark.parametrize("opening", ["", "Which is older, ", "Are both A and ", "Who saw "])
def test_no_question_takes_long(opening: str, phrase: str, length: int) -> None:
    question = (opening + phrase * length)[:length]
    took = []
    for _ in range(3):  # a collection of garbage may fall into one of them
        started = time.process_time()
        plan(question, VALLEY)
        surface(question)
        took.append(time.process_time() - started)
    assert min(took) < 0.05
