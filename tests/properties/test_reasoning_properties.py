"""Whatever a model replies and whatever a question may cost, limits hold and citations are true."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reasoning_world import (
    BRIDGE,
    MILL,
    NODE_STATUSES,
    NODES,
    SCHOOL,
    Served,
    lacks,
    plans,
    reads,
    says,
    served,
    writes,
)
from stub_llm import Cut, Echo, Raw, Request, Reset, Status, Text

NUMBERS = itertools.count()
WELL = {
    "plan": plans(*NODES),
    "node": reads(BRIDGE, "Isaura Venn"),
    "synth": writes(SCHOOL, BRIDGE, MILL, short="Odo Marsh"),
}
GREEDY = Text(f"{BRIDGE} [1]", usage=(3_000, 900))
REPLIES: tuple[Any, ...] = (
    WELL["plan"],
    WELL["node"],
    WELL["synth"],
    reads(MILL, "Ada Bell", confidence=0.2),
    lambda request: lacks(f"thing {next(NUMBERS)} of the ferry", BRIDGE)(request),
    lacks(None, SCHOOL),
    plans(("1", "Who painted #2?", ("2",)), ("2", "Who taught #1?", ("1",))),
    says(answer="Odo Marsh", passages=[1, 99], confidence=7, unanswerable=False),
    says(statements=[{"text": "Queen Zora dug it.", "marks": [1]}]),
    Text("Queen Zora built Zanzibar. [1] [99]"),
    Text("NO ANSWER"),
    Text(""),
    Text("{}"),
    Text(f"{SCHOOL} [1]", finish="length"),
    Text(f"{SCHOOL} [2]", usage=None),
    GREEDY,
    Cut((f"{SCHOOL} [1]\n", "And"), clean=False),
    Echo(),
    Reset(),
    Status(400),
    Raw((b"garb\xff",), "application/json"),
)


@dataclass
class Moody:
    """Replies by the numbers it was given, over and over; or as it should."""

    numbers: list[int] = field(default_factory=list)
    asked: int = 0

    def __call__(self, request: Request) -> Any:
        number = self.numbers[self.asked % len(self.numbers)]
        self.asked += 1
        reply = REPLIES[number] if number >= 0 else WELL[request.step.split(".")[0]]
        return reply(request) if callable(reply) else reply


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[asyncio.Runner, Served, Moody]]:
    """One service for all examples, in a loop of its own."""
    model = Moody()
    with asyncio.Runner() as runner:
        opening = served(tmp_path_factory.mktemp("moody"), {"*": [model]})
        here = runner.run(opening.__aenter__())
        yield runner, here, model
        runner.run(opening.__aexit__(None, None, None))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.slow
@given(
    calls=st.integers(0, 12),
    prompt=st.integers(0, 24_000),
    seconds=st.floats(1, 20),
    reasoning=st.sampled_from(["lag", "direct", "auto"]),
    numbers=st.lists(st.integers(-1, len(REPLIES) - 1), min_size=1, max_size=12),
)
def test_limits_hold_and_citations_are_true(
    house: tuple[asyncio.Runner, Served, Moody],
    calls: int,
    prompt: int,
    seconds: float,
    reasoning: str,
    numbers: list[int],
) -> None:
    runner, here, model = house
    model.numbers, model.asked = numbers, 0
    budget = {"llm_calls": calls, "prompt_tokens": prompt, "seconds": seconds}
    answer = runner.run(here.ask(reasoning=reasoning, budget=budget))
    usage = answer["usage"]
    assert usage["llm_calls"] <= calls
    # A server that counts more than was granted exceeds a limit by the calls under way at once,
    # each with its repair.
    greedy = any(REPLIES[number] is GREEDY for number in numbers if number >= 0)
    assert usage["prompt_tokens"] <= prompt + 4 * 3_000 * greedy
    assert usage["completion_tokens"] <= 3_000 + 4 * 900 * greedy
    assert usage["took_ms"] <= 1_000 * (seconds + 0.7)
    assert "zanzibar" not in answer["answer"].lower()
    assert "Zora" not in answer["answer"]
    for node in answer["plan"]["nodes"] if answer["plan"] else []:
        assert node["status"] in NODE_STATUSES
    if calls == 0:
        assert model.asked == 0
