"""A model that misbehaves: an honest answer in time. Clients that leave: nothing left over."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from reasoning_world import (
    BRIDGE,
    HOME,
    MILL,
    QUESTION,
    SCHOOL,
    Served,
    lacks,
    plans,
    reads,
    script,
    served,
    writes,
)
from stub_llm import Cut, Echo, Hang, Raw, Request, Reset, Status, Text

from tests.whole import KEY

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MODEL_KEY = "sk-the-key-of-the-model-server"
QUOTING = json.dumps({"error": {"message": f"no: Bearer {MODEL_KEY}"}})
SLACK_S = 0.7
"""For two busy cores; the service itself has half a second beyond its limit."""

FAULTS: dict[str, Any] = {
    "429": Status(429, {"retry-after": "30"}, QUOTING),
    "500": Status(500, body=QUOTING),
    "hang": Hang(),
    "cut": Cut(("Zanz",), clean=False),
    "garbage": Raw((f'{{"zan": {MODEL_KEY}'.encode(), b"\xff\x00ibar"), "application/json"),
    "wrong schema": Text('{"zanzibar": ["Zora", 1]}'),
    "echo": Echo(),
    "reset": Reset(),
    "empty": Text(""),
}
INVENTED = "Queen Zora built Zanzibar in 1555. [1]"
CYCLE = plans(("1", "Who painted #2?", ("2",)), ("2", "Who taught #1?", ("1",)))
BEFORE: dict[str, dict[str, Any]] = {
    "plan": {},
    "plan.repair": {"plan": [CYCLE]},
    "node.round.1.*": {},
    "node.answer.*": {
        "node__round__*": [lacks(None, BRIDGE)],
        "synth": [writes(BRIDGE)],
    },
    "synth": {},
    "synth.repair": {
        "synth": [lambda request: Text(f"{INVENTED}\n{writes(SCHOOL)(request).text}")]
    },
}
"""Steps, and what must be said before for each to be taken."""


async def timely(here: Served, **given: Any) -> dict[str, Any]:
    """The answer within two seconds and what two cores need beyond them."""
    began = time.monotonic()
    answer = await here.ask(budget={"seconds": 2}, **given)
    assert time.monotonic() - began < 2.5 + SLACK_S
    return answer


@dataclass
class Changing:
    """A model whose script changes between questions."""

    now: dict[str, list[Any]] = field(default_factory=dict)

    def __call__(self, request: Request) -> Any:
        (reply,) = next(
            replies for glob, replies in self.now.items() if fnmatchcase(request.step, glob)
        )
        return reply(request) if callable(reply) else reply


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_model_that_fails_a_step_costs_the_step_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    for talkative in ("anabranch", "httpx", "httpcore", "uvicorn"):
        caplog.set_level(logging.DEBUG, talkative)
    model = Changing()
    async with served(tmp_path, {"*": [model]}, key=MODEL_KEY) as here:
        for step, before in BEFORE.items():
            model.now = script(**{**before, step.replace(".", "__"): [FAULTS[fault]]})
            here.model.requests.clear()
            answer = await timely(here, reasoning="lag")
            assert here.model.of(step), step
            lost = [one["reason"] for one in answer["degraded"] if one["component"] == "llm"]
            assert lost, step
            if step == "synth":
                assert answer["generator"] == "extractive"
            told = json.dumps(answer) + json.dumps(await here.trace(answer))
            assert not [secret for secret in (MODEL_KEY, KEY) if secret in told], step
            invented = [word for word in ("zanzibar", "zora") if word in answer["answer"].lower()]
            assert not invented, step
    assert not [secret for secret in (MODEL_KEY, KEY) if secret in caplog.text]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_model_that_fails_every_step_leaves_the_answer_of_rules(
    tmp_path: Path, fault: str
) -> None:
    async with served(tmp_path, {"*": [FAULTS[fault]]}, key=MODEL_KEY) as here:
        for reasoning in ("lag", "direct", "auto"):
            answer = await timely(here, reasoning=reasoning)
            without = await here.ask(reasoning=reasoning, budget={"llm_calls": 0})
            assert answer["generator"] == "extractive"
            assert "zanzibar" not in answer["answer"].lower()
            assert [one for one in answer["degraded"] if one["component"] == "llm"]
            assert [one["quote"] for one in answer["citations"]] == [
                one["quote"] for one in without["citations"]
            ]


@dataclass
class Wire:
    """One request to the service, whose client leaves when it is told to."""

    here: Served
    body: Mapping[str, Any]
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    seen: set[str] = field(default_factory=set)
    stirred: asyncio.Condition = field(default_factory=asyncio.Condition)
    _asked: bool = False

    async def run(self) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": f"{HOME}/ask",
            "raw_path": f"{HOME}/ask".encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", b"test"),
                (b"content-type", b"application/json"),
                (b"authorization", f"Bearer {KEY}".encode()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
        }
        transport: Any = self.here.client._transport
        await transport.app(scope, self.receive, self.send)

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": json.dumps(self.body).encode()}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        async with self.stirred:
            for line in message.get("body", b"").decode().splitlines():
                if line.startswith("event: "):
                    self.seen.add(line.removeprefix("event: "))
            self.stirred.notify_all()

    async def told(self, event: str) -> None:
        async with self.stirred:
            await self.stirred.wait_for(lambda: event in self.seen)


def others(model: Any) -> set[asyncio.Task[Any]]:
    """The tasks of this loop but those of the scripted server."""
    return asyncio.all_tasks() - set(model._tasks)


async def ended(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait for tasks to end by themselves, however they end."""
    if tasks:
        await asyncio.wait(tasks)


# The step at which the model hangs, and an event that was told before.
LEAVING = [
    ("plan", None),
    ("node.round.1.1", "answer.created"),
    ("node.round.1.1", "plan.created"),
    ("node.round.1.1", "step.started"),
    ("node.round.1.1", "retrieval.completed"),
    ("node.round.3.1", "step.completed"),
    ("synth", "evidence.selected"),
    ("synth", "answer.delta"),
    ("synth", "citation.added"),
    ("synth.repair", "citation.added"),
]


@pytest.mark.parametrize(("step", "event"), LEAVING)
async def test_who_leaves_ends_the_request_at_the_model(
    tmp_path: Path, step: str, event: str | None
) -> None:
    written = writes(SCHOOL)

    def hangs(request: Any) -> Any:
        return Hang((f"{written(request).text}\n", "And ")) if step == "synth" else Hang()

    changed = {**BEFORE.get(step, {}), step.replace(".", "__"): [hangs]}
    limits = {"concurrency": 1, "queue": 0}
    async with served(tmp_path, script(**changed), limits=limits) as here:
        before = others(here.model)
        wire = Wire(here, {"question": QUESTION, "reasoning": "lag", "stream": True})
        asking = asyncio.create_task(wire.run())
        async with asyncio.timeout(10):
            while not here.model.of(step):
                await here.model.arrived(len(here.model.requests) + 1)
            if event is not None:
                await wire.told(event)
        wire.gone.set()
        async with asyncio.timeout(1):
            for request in here.model.of(step):
                await request.left.wait()
            await asking
            await ended(others(here.model) - before)
        # There is room for one question only: it would be refused if that place were still taken.
        answer = await here.ask(reasoning="lag", budget={"llm_calls": 0})
        assert answer["generator"] == "extractive"


async def test_a_node_out_of_time_leaves_no_request_behind(tmp_path: Path) -> None:
    hanging = script(
        **{"node__round__1__*": [Hang()], "node__round__2__*": [reads(MILL, "Ada Bell")]}
    )
    async with served(tmp_path, hanging) as here:
        before = others(here.model)
        answer = await timely(here, reasoning="lag")
        async with asyncio.timeout(1):
            for request in here.model.of("node.round.1.*"):
                await request.left.wait()
            await ended(others(here.model) - before)
    assert answer["status"] in ("answered", "partial", "budget_exhausted")
