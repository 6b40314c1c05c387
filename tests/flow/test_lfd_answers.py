"""Layer-fused decoding in the whole service: what is sent, what is said, what is degraded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import stub_lfd
from reasoning_world import BRIDGE, HOME, Served, script, served, writes
from stub_llm import Status

from tests.whole import running, settings

pytestmark = pytest.mark.anyio

QUESTION = "Who designed the Nine Heron Bridge?"
WRITES = script(synth=[writes(BRIDGE, short="Isaura Venn")])
DEFAULTS = {"lfd": 1, "lfd_alpha": 0.1, "lfd_weight": 1.0, "lfd_every": 1}
OFF = {"asked": False, "sent": False, "alpha": None, "weight": None, "every": None}


@asynccontextmanager
async def serving(
    folder: Path, lfd_of: stub_lfd.Lfd = stub_lfd.plugin, **given: Any
) -> AsyncIterator[Served]:
    """The service, once its first probe is over."""
    async with served(folder, WRITES, lfd_of=lfd_of, **given) as here:
        await here.services.lfd.probed_once(60)
        yield here


async def ask(here: Served, lfd: Any = None, **given: Any) -> dict[str, Any]:
    wish = {} if lfd is None else {"generation": {"lfd": lfd}}
    return await here.ask(QUESTION, **wish, **given)


def sent(here: Served) -> Any:
    """What the request for the answer's text said last."""
    return here.model.of("synth")[-1].vllm_xargs


def lost(answer: dict[str, Any]) -> list[str]:
    return [one["reason"] for one in answer["degraded"] if one["component"] == "lfd"]


async def ready(here: Any, key: bool = True) -> tuple[int, dict[str, Any]]:
    client = here.client if isinstance(here, Served) else here
    response = await client.get("/readyz", headers={} if key else {"authorization": ""})
    return response.status_code, response.json()


WISHES: dict[str, list[tuple[Any, Any]]] = {
    "auto": [
        (None, DEFAULTS),
        (True, DEFAULTS),
        ({}, DEFAULTS),
        (False, None),
        ({"alpha": 0.5}, {**DEFAULTS, "lfd_alpha": 0.5}),
    ],
    "off": [
        (None, None),
        (True, DEFAULTS),
        (
            {"alpha": 0, "weight": 4, "required": True},
            {**DEFAULTS, "lfd_alpha": 0, "lfd_weight": 4},
        ),
    ],
    "require": [(None, DEFAULTS), (False, None)],
}


@pytest.mark.parametrize(("mode", "wishes"), WISHES.items(), ids=WISHES)
async def test_what_is_sent_where_it_is_on(
    tmp_path: Path, mode: str, wishes: list[tuple[Any, dict[str, Any] | None]]
) -> None:
    async with serving(tmp_path, lfd=mode) as here:
        for wish, told in wishes:
            answer = await ask(here, wish)
            trace = await here.trace(answer)
            assert sent(here) == told, wish
            assert (answer["generator"], answer["degraded"]) == ("some-model", [])
            assert trace["lfd"]["state"] == "on"
            assert trace["lfd"]["checked_at"]
            written = [call for call in trace["llm_calls"] if call["step"] == "synth"]
            others = [call for call in trace["llm_calls"] if call["step"] != "synth"]
            asked = mode == "require" if wish is None else wish is not False
            expected = {"asked": asked, "sent": told is not None, "alpha": None, "weight": None}
            if told:
                expected |= {name: told[f"lfd_{name}"] for name in ("alpha", "weight", "every")}
            assert [call["lfd"] for call in written] == [{**OFF, **expected, "state": "on"}]
            assert all(call["lfd"] == {**OFF, "state": "on"} for call in others)
            assert others
        assert all(one.vllm_xargs is None for one in here.model.requests if one.schema)


async def test_the_settings_are_the_defaults(tmp_path: Path) -> None:
    given = {"lfd_alpha": 0.25, "lfd_weight": 2.0, "lfd_every": "once"}
    async with serving(tmp_path, **given) as here:
        await ask(here)
        assert sent(here) == {"lfd": 1, **given}
        assert here.model.of("synth")[0].body["repetition_penalty"] == 1.0


async def test_a_streamed_answer_is_the_same(tmp_path: Path) -> None:
    body = {"question": QUESTION, "generation": {"lfd": {"weight": 2}}, "stream": True}
    async with serving(tmp_path) as here:
        plain = await ask(here, {"weight": 2})
        told = (await here.client.post(f"{HOME}/ask", json=body)).text
        first, second = here.model.of("synth")
    assert first.vllm_xargs == second.vllm_xargs == {**DEFAULTS, "lfd_weight": 2.0}
    events = [block.split("data: ", 1) for block in told.strip().split("\n\n")]
    last = json.loads(events[-1][1])
    assert {**last, "id": "", "created_at": "", "usage": {}} == {
        **plain, "id": "", "created_at": "", "usage": {},
    }  # fmt: skip
    deltas = [json.loads(data)["text"] for head, data in events if "answer.delta" in head]
    assert "".join(deltas) == plain["answer"]


async def test_a_chat_is_decoded_alike(tmp_path: Path) -> None:
    body = {
        "model": "anabranch",
        "messages": [{"role": "user", "content": QUESTION}],
        "seed": 5,
        "anabranch": {"generation": {"lfd": {"alpha": 0.3}}},
    }
    async with serving(tmp_path) as here:
        response = await here.client.post("/v1/chat/completions", json=body)
        assert response.status_code == 200, response.text
        assert sent(here) == {**DEFAULTS, "lfd_alpha": 0.3}
        assert here.model.of("synth")[0].body["seed"] == 5
    assert response.json()["anabranch"]["degraded"] == []


NOT_ON = {
    "absent": stub_lfd.without,
    "broken": stub_lfd.broken,
    "refused": stub_lfd.half_loaded,
    "unknown": stub_lfd.away,
}


@pytest.mark.parametrize(("state", "lfd_of"), NOT_ON.items(), ids=NOT_ON)
async def test_where_it_is_not_on_nothing_is_sent_and_it_is_said_to_who_asked(
    tmp_path: Path, state: str, lfd_of: stub_lfd.Lfd
) -> None:
    async with serving(tmp_path, lfd_of) as here:
        silent, refused = await ask(here), await ask(here, False)
        asked = await ask(here, {"alpha": 0.2})
        trace = await here.trace(asked)
        assert all(one.vllm_xargs is None for one in here.model.requests)
    assert (lost(silent), lost(refused)) == ([], [])
    [reason] = lost(asked)
    assert reason.startswith(f"{state}: ")
    assert asked["generator"] == "some-model"
    [call] = [call for call in trace["llm_calls"] if call["step"] == "synth"]
    assert call["lfd"] == {**OFF, "asked": True, "state": state}
    assert (trace["lfd"]["state"], trace["lfd"]["reason"]) == (state, reason[len(state) + 2 :])


@pytest.mark.parametrize(("state", "lfd_of"), NOT_ON.items(), ids=NOT_ON)
async def test_what_is_required_is_refused_before_the_model_is_asked(
    tmp_path: Path, state: str, lfd_of: stub_lfd.Lfd
) -> None:
    body = {"question": QUESTION, "generation": {"lfd": {"required": True}}}
    async with serving(tmp_path, lfd_of) as here:
        for stream in (False, True):
            response = await here.client.post(f"{HOME}/ask", json={**body, "stream": stream})
            assert (response.status_code, response.json()["code"]) == (422, "not-available")
            assert f"{state}: " in response.json()["detail"]
        assert here.model.requests == []


async def test_a_setting_that_requires_it_counts_as_asking(tmp_path: Path) -> None:
    async with serving(tmp_path, stub_lfd.without, lfd="require") as here:
        assert len(lost(await ask(here))) == 1
        assert lost(await ask(here, False)) == []


@pytest.mark.parametrize("wish", [None, True])
async def test_a_server_that_turns_it_down_meanwhile_writes_without(
    tmp_path: Path, wish: Any
) -> None:
    async with serving(tmp_path) as here:
        assert (await ready(here))[1]["components"]["lfd"]["state"] == "on"
        probes = len(here.model.probes)
        here.model.lfd = stub_lfd.half_loaded
        answer = await ask(here, wish)
        trace = await here.trace(answer)
        first, second = here.model.of("synth")
        assert (first.vllm_xargs, second.vllm_xargs) == (DEFAULTS, None)
        await here.model.probed(probes + 1)
        while (await ready(here))[1]["components"]["lfd"]["state"] == "on":
            pass
        assert (await ready(here))[1]["components"]["lfd"]["state"] == "refused"
    assert (answer["generator"], len(lost(answer))) == ("some-model", 1)
    [call] = [call for call in trace["llm_calls"] if call["step"] == "synth"]
    assert (call["outcome"], call["lfd"]["sent"]) == ("ok", False)
    assert answer["usage"]["llm_calls"] == len(trace["llm_calls"])


async def test_a_server_that_comes_back_with_it_is_noticed(tmp_path: Path) -> None:
    async with serving(tmp_path, stub_lfd.without, lfd_probe_seconds=0.01) as here:
        here.model.lfd = stub_lfd.plugin
        while (await ready(here))[1]["components"]["lfd"]["state"] != "on":
            await here.model.probed(len(here.model.probes) + 1)
        await ask(here)
        assert sent(here) == DEFAULTS


async def test_who_asks_during_the_first_probe_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = asyncio.Semaphore(0)

    def slow(request: Any) -> Any:
        said = stub_lfd.plugin(request)
        return replace(said, pace=pace) if request.probing and isinstance(said, Status) else said

    async with served(tmp_path, WRITES, lfd_of=slow) as here:
        assert (await ready(here))[1]["components"]["lfd"] == {
            "status": "ok", "state": "unknown", "checked_at": None,
            "reason": "the model server was not asked yet",
        }  # fmt: skip
        silent = await ask(here)  # waits for nothing
        assert sent(here) is None
        proof = here.services.lfd._proof
        waits = proof.first

        async def first(seconds: float) -> Any:
            for _ in range(2):
                pace.release()
            return await waits(seconds)

        monkeypatch.setattr(proof, "first", first)
        answer = await ask(here, True)
        assert sent(here) == DEFAULTS
    assert silent["degraded"] == answer["degraded"] == []


async def test_who_has_little_time_waits_for_little(tmp_path: Path) -> None:
    async with served(tmp_path, WRITES, lfd_of=stub_lfd.hanging) as here:
        answer = await ask(here, True, budget={"seconds": 2})
        assert (answer["generator"], sent(here)) == ("some-model", None)
    assert lost(answer) == ["unknown: the model server was not asked yet"]
    assert answer["usage"]["took_ms"] < 1_500


async def test_opening_and_closing_wait_for_no_probe(tmp_path: Path) -> None:
    async with served(tmp_path, WRITES, lfd_of=stub_lfd.hanging) as here:
        assert (await here.client.get("/healthz")).status_code == 200
        assert (await ready(here))[0] == 200
        await here.model.probed(1)
    assert here.model.probes[0].left.is_set()


@pytest.mark.parametrize(
    ("state", "mode", "code", "status"),
    [
        ("on", "require", 200, "ok"),
        ("absent", "auto", 200, "ok"),
        ("absent", "require", 503, "down"),
        ("broken", "auto", 200, "degraded"),
    ],
)
async def test_readiness_tells_what_was_proven(
    tmp_path: Path, state: str, mode: str, code: int, status: str
) -> None:
    """Every state under every setting: `tests/unit/generation/test_lfd_policy.py`."""
    lfd_of = {"on": stub_lfd.plugin, **NOT_ON}[state]
    async with serving(tmp_path, lfd_of, lfd=mode) as here:
        answered, told = await ready(here)
        bare = (await ready(here, key=False))[1]["components"]["lfd"]
    component = told["components"]["lfd"]
    assert (answered, component["status"], component["state"]) == (code, status, state)
    assert component["checked_at"].endswith("Z")
    assert bool(component.get("reason")) == (state != "on")
    assert bare == {name: component[name] for name in ("status", "state", "checked_at")}
    overall = "down" if code == 503 else "degraded" if status == "degraded" else "ready"
    assert told["status"] == overall


async def test_without_a_model_sentences_are_quoted_and_it_is_said(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as (client, _):
        for wish in (True, {"weight": 2}):
            body = {"question": QUESTION, "generation": {"lfd": wish}}
            answer = (await client.post(f"{HOME}/ask", json=body)).json()
            trace = (await client.get(f"/v1/answers/{answer['id']}/trace")).json()
            assert answer["generator"] == "extractive"
            assert lost(answer) == ["absent: no model server is configured"]
            assert "lfd" not in trace
        assert "lfd" not in (await ready(client))[1]["components"]


async def test_required_without_a_model_it_is_not_ready(tmp_path: Path) -> None:
    async with running(settings(tmp_path, lfd="require")) as (client, _):
        code, told = await ready(client)
    assert (code, told["components"]["lfd"]["status"]) == (503, "down")
    assert told["components"]["lfd"]["reason"] == "no model server is configured"


async def test_an_answer_that_no_model_wrote_claims_nothing(tmp_path: Path) -> None:
    failing = script(synth=[Status(500)])
    async with served(tmp_path, failing, lfd_of=stub_lfd.plugin) as here:
        await here.services.lfd.probed_once(60)
        answer = await ask(here, True)
        trace = await here.trace(answer)
    assert answer["generator"] == "extractive"
    assert {one["component"] for one in answer["degraded"]} == {"llm"}
    assert [call["outcome"] for call in trace["llm_calls"] if call["lfd"]["sent"]] == ["failed"]
