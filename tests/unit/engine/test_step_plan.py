"""Splitting a question with a model that helps, misbehaves or is not there."""

from __future__ import annotations

import json
import time

import pytest
from step_runs import running, says, steps
from stub_llm import Hang, Raw, Reply, Reset, Status, Text

from app.domain.plan import MOST_NODES
from app.engine.budget import Budget
from app.engine.run import Run
from app.engine.steps.plan import Planning, propose

pytestmark = pytest.mark.anyio

BRIDGE = "Who built the mill of the town where Isaura Venn was born?"
COMPARISON = "Which is older, the Oxbow Mill or the Skarn Weir?"
SIMPLE = "Who keeps the lighthouse?"
RULED = ["the town where Isaura Venn was born", "the mill of #1", "Who built #2"]


class NoNames:
    """An index that knows no name."""

    def known(self, key: str) -> bool:
        return False


NAMES = NoNames()


def node(id: object, text: str, needs: object = (), **more: object) -> dict[str, object]:
    return {"id": id, "text": text, "needs": needs, **more}


TOWN = node("1", "In which town was Isaura Venn born?", expects="place")
BUILDER = node("2", "Who built the mill of #1?", ["1"], expects="person")
GOOD = says(nodes=[TOWN, BUILDER])
CYCLE = says(nodes=[node("1", "the town of #2", ["2"]), node("2", "the mill of #1", ["1"])])
UNKNOWN = says(nodes=[TOWN, node("2", "Who built #7?", ["7"])])
CHAIN = [TOWN, *(node(str(n), f"the owner of #{n - 1}", [str(n - 1)]) for n in range(2, 12))]


def texts(planning: Planning) -> list[str]:
    assert planning.plan is not None
    return [node.text for node in planning.plan.nodes]


async def test_a_models_plan_is_used_and_costs_one_call() -> None:
    async with running({"plan": [GOOD]}) as (run, server):
        planning = await propose(run, BRIDGE, NAMES, ["Isaura Venn"])
    assert planning.kind == "llm"
    assert planning.plan is not None
    assert (planning.plan.source, planning.plan.repairs) == ("llm", 0)
    assert planning.plan.ranks() == [["1"], ["2"]]
    assert [node.expects for node in planning.plan.nodes] == ["place", "person"]
    assert (planning.sense, planning.operands, planning.issues) == (None, (), ())
    assert steps(server) == ["plan"]
    assert run.degraded == ()


async def test_the_model_is_told_the_question_and_the_names_in_it() -> None:
    async with running({"plan": [GOOD]}) as (run, server):
        await propose(
            run, "Who sang the #1 hit of Isaura Venn?", NAMES, ["Isaura Venn", "Long Arm"]
        )
    told = server.requests[0].messages[-1]["content"]
    assert "hit of Isaura Venn" in told
    assert "Long Arm" in told
    assert "#1" not in told  # or it would come back as a reference to a node


@pytest.mark.parametrize(
    ("first", "second", "needs"),
    [
        (1, 2, [1]),
        ("#1", "#2", ["#1"]),
        (" 1", "02", ["01"]),
        ("1", "2", []),
        ("1", "2", None),
        ("1", "2", ["1", "#1", 1]),
    ],
)
async def test_ids_are_read_however_they_are_written_and_needs_are_completed(
    first: object, second: object, needs: object
) -> None:
    proposed = says(
        nodes=[node(first, "the town of Isaura Venn"), node(second, "the mill of #1", needs)]
    )
    async with running({"plan": [proposed]}) as (run, _):
        planning = await propose(run, BRIDGE, NAMES)
    assert planning.plan is not None
    assert [(one.id, one.needs) for one in planning.plan.nodes] == [("1", ()), ("2", ("1",))]


async def test_texts_come_without_control_characters_links_and_line_breaks() -> None:
    dirty = "the mill\x00 of\n #1\u202e ![x](http://evil.example/a)"
    async with running({"plan": [says(nodes=[TOWN, node("2", dirty)])]}) as (run, _):
        assert texts(await propose(run, BRIDGE, NAMES))[1] == "the mill of #1"


async def test_members_that_were_not_asked_for_cost_no_call() -> None:
    proposed = says(nodes=[{**TOWN, "why": "first"}, BUILDER], thought="two hops")
    async with running({"plan": [proposed]}) as (run, server):
        assert (await propose(run, BRIDGE, NAMES)).kind == "llm"
    assert steps(server) == ["plan"]


@pytest.mark.parametrize("text", [SIMPLE, "the keeper of the lighthouse"])
async def test_a_plan_of_one_node_is_no_plan(text: str) -> None:
    async with running({"plan": [says(nodes=[node("1", text)])]}) as (run, server):
        planning = await propose(run, SIMPLE, NAMES)
    assert (planning.plan, planning.kind) == (None, "llm")
    assert steps(server) == ["plan"]


@pytest.mark.parametrize(
    ("faulty", "told"),
    [
        (CYCLE, "wait for each other"),
        (UNKNOWN, "does not exist"),
        (says(nodes=[]), "1 to 6 nodes"),
        (says(nodes=CHAIN), "1 to 6 nodes"),
        (says(nodes=[TOWN, node("2", "the mill of #1 " + "x" * 300)]), "characters"),
        (says(nodes=[TOWN, node("two", "the mill of #1")]), "not a number"),
        (says(nodes=[TOWN, TOWN]), "used 2 times"),
        (says(nodes=[TOWN, node("2", "the mill of #1"), node("3", "a weir")]), "node 3"),
    ],
)
async def test_a_plan_that_cannot_be_executed_goes_back_once(faulty: Text, told: str) -> None:
    async with running({"plan": [faulty], "plan.repair": [GOOD]}) as (run, server):
        planning = await propose(run, BRIDGE, NAMES)
    assert steps(server) == ["plan", "plan.repair"]
    assert planning.kind == "llm"
    assert planning.plan is not None
    assert planning.plan.repairs == 1
    assert told in "; ".join(planning.issues)
    assert all(issue in server.requests[1].messages[-1]["content"] for issue in planning.issues)


@pytest.mark.parametrize("second", [CYCLE, Status(400), Status(503), Text("no"), Hang()])
async def test_after_one_repair_the_rules_plan(second: Reply) -> None:
    script = {"plan": [UNKNOWN], "plan.repair": [second]}
    async with running(script, Budget(seconds=2)) as (run, server):
        planning = await propose(run, BRIDGE, NAMES)
    assert set(steps(server)) == {"plan", "plan.repair"}
    assert texts(planning) == RULED
    assert planning.kind == "bridge"
    assert "does not exist" in "; ".join(planning.issues)


@pytest.mark.parametrize(
    "reply",
    [
        Text("I would rather chat."),
        Text('{"nodes": 5}'),
        Text('{"nodes": [{"id": "1"}]}'),
        Text('{"nodes": [{"id": "1", "text": "x", "op": "hack"}]}'),
        Text('{"nodes": [{"id": ' + "9" * 5_000 + ', "text": "x"}]}'),
        Text("[" * 5_000),
        Raw([b'{"choices": [{"message": {"refusal": "I will not"}}]}']),
        Status(400),
        Status(429),
        Status(500),
        Reset(),
    ],
)
async def test_without_a_usable_reply_the_rules_plan_at_once(reply: Reply) -> None:
    async with running({"plan": [reply]}) as (run, server):
        planning = await propose(run, BRIDGE, NAMES)
    assert texts(planning) == RULED
    assert planning.issues == ()
    assert set(steps(server)) == {"plan"}
    assert [lost.component for lost in run.degraded] == ["llm"]


async def test_a_model_that_hangs_costs_no_more_than_its_share_of_the_time() -> None:
    async with running({"plan": [Hang()]}, Budget(seconds=1)) as (run, _):
        began = time.monotonic()
        planning = await propose(run, BRIDGE, NAMES)
        assert time.monotonic() - began < 1
    assert texts(planning) == RULED


@pytest.mark.parametrize("budget", [Budget(llm_calls=0), Budget(llm_calls=1), Budget(seconds=0)])
async def test_a_budget_without_room_for_a_plan_asks_nothing(budget: Budget) -> None:
    async with running({}, budget) as (run, server):
        planning = await propose(run, BRIDGE, NAMES)
    assert server.requests == []
    assert texts(planning) == RULED
    assert run.degraded == ()


async def test_without_a_model_the_rules_plan() -> None:
    planning = await propose(Run(Budget()), COMPARISON, NAMES)
    assert planning.kind == "comparison"
    assert planning.sense == "least"
    assert planning.operands == ("the Oxbow Mill", "the Skarn Weir")
    assert (await propose(Run(Budget()), SIMPLE, NAMES)) == Planning(None, "one-hop")


async def test_no_plan_has_more_nodes_than_are_allowed() -> None:
    script = {"plan": [says(nodes=CHAIN[:4])], "plan.repair": [says(nodes=CHAIN[:3])]}
    async with running(script) as (run, _):
        planning = await propose(run, BRIDGE, NAMES, most_nodes=2)
    assert planning.plan is None  # the rules would need three
    assert "at most 2 nodes" in planning.issues[0]
    async with running({"plan": [says(nodes=CHAIN[:3])]}) as (run, server):
        assert len(texts(await propose(run, BRIDGE, NAMES, most_nodes=3))) == 3
    assert steps(server) == ["plan"]


async def test_where_only_one_node_is_allowed_nothing_is_asked() -> None:
    async with running({}) as (run, server):
        assert (await propose(run, BRIDGE, NAMES, most_nodes=1)).plan is None
    assert server.requests == []


async def test_more_nodes_than_any_plan_may_have_are_never_allowed() -> None:
    script = {"plan": [says(nodes=CHAIN[: MOST_NODES + 1])], "plan.repair": [GOOD]}
    async with running(script) as (run, server):
        await propose(run, BRIDGE, NAMES, most_nodes=50)
    assert steps(server) == ["plan", "plan.repair"]


def comparing(text: str) -> Text:
    return says(
        nodes=[
            node("1", "When was the Skarn Weir built?", expects="date"),
            node("2", "When was the Oxbow Mill built?", expects="date"),
            node("3", text, ["2", "1"], op="compare", expects="entity"),
        ]
    )


@pytest.mark.parametrize(
    ("text", "sense"),
    [
        ("Which is older: #2 or #1", "least"),
        ("Which is younger: #2 or #1", "most"),
        ("Are #2 and #1 the same?", "equal"),
        ("Compare #2 and #1", "least"),  # as the question says
    ],
)
async def test_a_models_comparison_knows_what_decides_and_what_it_compares(
    text: str, sense: str
) -> None:
    async with running({"plan": [comparing(text)]}) as (run, _):
        planning = await propose(run, COMPARISON, NAMES)
    assert planning.kind == "llm"
    assert planning.sense == sense
    assert planning.plan is not None
    assert planning.plan.final.needs == ("2", "1")
    assert planning.operands == ("the Oxbow Mill", "the Skarn Weir")


async def test_operands_are_found_behind_a_bridge() -> None:
    proposed = says(
        nodes=[
            node("1", "Who directed Lantern Night?"),
            node("2", "Who directed Nine Herons?"),
            node("3", "When was #1 born?", ["1"], expects="date"),
            node("4", "When was #2 born?", ["2"], expects="date"),
            node("5", "Who is older: #3 or #4", ["3", "4"], op="compare"),
        ]
    )
    question = "Is the director of Lantern Night or the one of Nine Herons older?"
    async with running({"plan": [proposed]}) as (run, _):
        planning = await propose(run, question, NAMES)
    assert planning.operands == ("Lantern Night", "Nine Herons")


async def test_operands_that_cannot_be_told_apart_are_left_open() -> None:
    proposed = says(
        nodes=[
            node("1", "the first keeper of it"),
            node("2", "the last keeper of it"),
            node("3", "Which is older: #1 or #2", op="compare"),
        ]
    )
    async with running({"plan": [proposed]}) as (run, _):
        planning = await propose(run, COMPARISON, NAMES)
    assert (planning.sense, planning.operands) == ("least", ())


async def test_what_is_wrong_is_told_in_few_and_short_lines() -> None:
    wild = [node("x" * 9_000, "#" + "9" * 9_000) for _ in range(200)]
    script = {"plan": [says(nodes=wild)], "plan.repair": [says(nodes=wild)]}
    async with running(script) as (run, server):
        planning = await propose(run, BRIDGE, NAMES)
    assert len(json.dumps(planning.issues)) < 6_000
    assert len(server.requests[1].messages[-1]["content"]) < 8_000
    assert texts(planning) == RULED
