"""Traces as trees: what is known is put into words, and nothing makes it fail."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edge_services import Services
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from app.cli.branches import MOST
from app.cli.legible import legible
from app.cli.trace import tree

TRACE: dict[str, Any] = {
    "mode": "lag",
    "asked_as": "Where was the builder born?",
    "gate": {"decision": "lag", "strategy": "multihop", "p": 0.8125, "features": {"hops": 2}},
    "plan": {
        "source": "rules",
        "kind": "chain",
        "repairs": 0,
        "nodes": [
            {"id": "1", "op": "retrieve", "text": "Who built it?", "needs": [], "answer": "Ann"},
            {"id": "2", "op": "retrieve", "text": "Where was {1} born?", "needs": ["1"]},
        ],
    },
    "nodes": [
        {
            "id": "1",
            "rank": 0,
            "bound_text": "Who built the bridge?",
            "status": "resolved",
            "reason": "supported",
            "answer": "Ann",
            "ms": 12.5,
            "rounds": [
                {
                    "round": 1,
                    "query": "bridge builder",
                    "why": "the builder is missing",
                    "channels": [
                        {
                            "channel": "vector",
                            "status": "ok",
                            "found": 7,
                            "took_ms": 3.25,
                            "detail": "",
                            "hits": [["chk_1", 0.5], ["chk_2", 0.25]],
                        },
                        {"channel": "graph", "took_ms": 900, "hits": [], "detail": "timed out"},
                    ],
                    "fused": [
                        {
                            "key": "chk_1",
                            "score": 0.75,
                            "channels": {"vector": [1, 0.5], "graph": [2, 0.125]},
                        },
                        {"key": "chk_2", "score": 0.25, "channels": {}},
                    ],
                    "new": 2,
                    "sufficiency": {"s": 0.75, "features": {"overlap": 1}},
                }
            ],
        }
    ],
    "operators": [
        {"id": "3", "op": "earlier", "inputs": ["a", "b"], "result": {"short": "a"}, "status": "ok"}
    ],
    "stop_reason": "single_round",
    "synthesis": {
        "statements": [{"text": "Ann built it.", "chunk_ids": ["chk_1"], "outcome": "verified"}],
        "dropped": 1,
    },
    "statements": [{"chunk_id": "chk_9", "start": 4, "end": 9, "verified": False}],
    "llm_calls": [
        {
            "step": "plan",
            "model": "tiny-writer",
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "ms": 50,
            "outcome": "failed",
            "detail": "the server hung up",
            "lfd": {"asked": False, "sent": False, "alpha": None, "state": "on"},
        },
        {
            "step": "synth",
            "lfd": {"asked": True, "sent": True, "alpha": 0.1, "weight": 1.0, "every": "once"},
        },
        {"step": "synth", "lfd": {"asked": True, "sent": False, "state": "refused"}},
    ],
    "lfd": {"state": "on", "reason": "", "checked_at": "2026-11-24T09:30:00.000+00:00"},
    "budget": {"limits": {"llm_calls": 12, "seconds": 20.0}, "used": {"llm_calls": 3}},
    "degraded": [{"component": "graph", "reason": "timed out"}],
    "something_new": [{"deep": {"er": [1, 2, {"er": "yet"}]}}],
}

texts = st.text(max_size=10) | st.sampled_from(["[bold]", "[/]", "\x1b[31m", "\ud800", "a\nb"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts | st.sampled_from(sorted(TRACE)), inner, max_size=4)
    ),
    max_leaves=20,
)


def shown(trace: Any) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False, color_system=None)
    console.print(tree(trace), soft_wrap=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def mutants(value: Any) -> st.SearchStrategy[Any]:
    """The value with any of its members, at any depth, missing or replaced."""
    if isinstance(value, dict):
        made = {name: mutants(member) for name, member in value.items()}
        parts = st.fixed_dictionaries({}, optional=made)
        return values | parts | parts
    if isinstance(value, list):
        each = st.tuples(*map(mutants, value)).map(list)
        return values | each | each
    return st.just(value) | values


def leaves(value: Any) -> list[str]:
    """Every text in the value."""
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    if isinstance(value, list):
        return [leaf for member in value for leaf in leaves(member)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(
    "line",
    [
        "trace lag",
        "asked_as: Where was the builder born?",
        "gate: lag multihop",
        "p: 0.8125",
        "features: hops 2",
        "plan by rules chain",
        "1 retrieve Who built it?",
        "2 retrieve Where was {1} born? after 1",
        "1 Who built the bridge? 12.5 ms",
        "→ Ann (resolved: supported)",
        "round 1: bridge builder",
        "why: the builder is missing",
        "vector ok 7 found 3.25 ms",
        "graph 900 ms",
        "hits: chk_1 0.5, chk_2 0.25",
        "chk_1 0.75 (vector 1, 0.5; graph 2, 0.125)",
        "chk_2 0.25",
        "stop_reason: single_round",
        "3 earlier(a, b) (ok)",
        "result: short a",
        "verified Ann built it.",
        "dropped: 1",
        "dropped chk_9 4-9",
        "plan failed tiny-writer 100 + 20 tokens 50 ms",
        "the server hung up",
        "layer-fused decoding, alpha 0.1, weight 1, every once",
        "without layer-fused decoding: refused",
        "layer-fused decoding: on (2026-11-24T09:30:00.000+00:00)",
        "llm_calls 3 of 12",
        "seconds at most 20",
        "graph timed out",
        "something_new:",
        "3: er yet",
    ],
)
def test_a_trace_is_put_into_words(line: str) -> None:
    lines = [re.sub(r"^[\s│├└─┃┣┗━]+", "", row).rstrip() for row in shown(TRACE).splitlines()]
    assert line in lines, "\n".join(lines)


def test_no_text_of_a_trace_is_missed() -> None:
    whole = shown(TRACE)
    assert [leaf for leaf in leaves(TRACE) if leaf not in whole] == []


def test_a_long_list_says_how_much_is_left_out() -> None:
    assert f"… {100 - MOST} more" in shown({"numbers": list(range(100))})
    assert f"… {50 - MOST} more" in shown({"objects": [{"a": [1]}] * 50})


@settings(max_examples=100, deadline=None)
@given(values)
def test_any_json_is_shown(trace: Any) -> None:
    shown(trace).encode()


@settings(max_examples=100, deadline=None)
@given(mutants(TRACE))
def test_a_trace_with_members_missing_or_of_other_shapes_is_shown(trace: Any) -> None:
    shown(trace).encode()


def test_a_trace_nested_too_deep_is_cut_short() -> None:
    deep: Any = "bottom"
    for _ in range(200):
        deep = {"in": [deep]}
    assert shown(deep)


def test_texts_neither_steer_the_terminal_nor_pass_for_markup() -> None:
    told = shown({"a": "\x1b]0;title\x07[bold]x[/bold]", "[red]b": "y\u009b31m"})
    assert "[bold]x[/bold]" in told
    assert "[red]b: y" in told
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", told)


@given(st.text())
def test_what_is_legible_can_be_written_and_keeps_its_letters(text: str) -> None:
    made = legible(text)
    made.encode()
    assert len(made) == len(text)
    assert legible(made) == made


@pytest.fixture
def traced(kept: Services) -> Services:
    inner = kept.ask.ask

    async def ask(*arguments: Any) -> Any:
        return replace(await inner(*arguments), trace=TRACE)

    kept.ask.ask = ask
    return kept


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_ask_shows_the_trace_below_the_answer(
    run: Any, there: list[str], traced: Services, more: list[str]
) -> None:
    Path("a.txt").write_text("alpha beta")
    run("ingest", "a.txt", *there)
    outcome = run("ask", "alpha ?", "--trace", *more, *there)
    assert outcome.status == 0, outcome.err
    assert outcome.out.startswith("alpha beta [1]\n")
    assert "round 1: bridge builder" in outcome.out
    assert outcome.out.index("“alpha beta”") < outcome.out.index("trace lag")


def test_the_trace_as_json_follows_the_answer(run: Any, there: list[str], traced: Services) -> None:
    told = run("ask", "alpha ?", "--trace", "--json", *there).out
    decoder = json.JSONDecoder()
    answer, end = decoder.raw_decode(told)
    assert answer["question"] == "alpha ?"
    assert decoder.raw_decode(told[end:].lstrip())[0] == TRACE
