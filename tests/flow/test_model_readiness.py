"""What the service says of its model's server, and settings that name half a model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import stub_lfd
from reasoning_world import served
from stub_llm import Hang, Status, stub

from app.cli import main
from retrievers.lane import Lane
from tests.whole import post, running, settings

pytestmark = pytest.mark.anyio
DOCUMENT = {"id": "mill", "title": "Tern Mill", "text": "Ada Bell painted the Tern Mill."}
AWAY = "http://127.0.0.1:9/v1"  # discards, and is not open


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANABRANCH_EMBEDDER__USE", "hashing")
    monkeypatch.setenv("ANABRANCH_DATA_DIR", str(tmp_path / "kept"))
    monkeypatch.setenv("ANABRANCH_PORT", "0")
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the model's server is a fresh one."""
    monkeypatch.setattr("app.wiring.language._FRESH_S", 0.0)


async def ready(client: Any) -> dict[str, Any]:
    response = await client.get("/readyz")
    assert response.status_code == 200
    told: dict[str, Any] = response.json()
    return told


async def test_a_model_that_answers_is_ready(tmp_path: Path) -> None:
    async with stub({}) as model:
        generation = {"url": model.url, "model": "some-model"}
        async with running(settings(tmp_path, generation=generation)) as (client, _):
            await post(client, DOCUMENT)  # the first indexes are built by then
            told = await ready(client)
            assert told["status"] == "ready"
            assert told["components"]["llm"]["status"] == "ok"
            assert "some-model" in told["components"]["llm"]["detail"]


async def test_without_a_model_nothing_is_said_of_one(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as (client, _):
        await post(client, DOCUMENT)
        told = await ready(client)
        assert told["status"] == "ready"
        assert "llm" not in told["components"]


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("listing", [Status(500), Status(401), Hang()], ids=["500", "401", "hang"])
async def test_a_model_that_is_away_degrades_and_comes_back(tmp_path: Path, listing: Any) -> None:
    async with stub({}, models=listing) as model:
        generation = {"url": model.url, "model": "some-model"}
        async with running(settings(tmp_path, generation=generation)) as (client, _):
            await post(client, DOCUMENT)
            told = await ready(client)
            assert told["status"] == "degraded"
            assert told["components"]["llm"]["status"] == "degraded"
            assert "answers quote sentences" in told["components"]["llm"]["detail"]
            assert {
                name
                for name, component in told["components"].items()
                if component["status"] != "ok"
            } == {"llm"}
            model._models = None
            told = await ready(client)
            assert (told["status"], told["components"]["llm"]["status"]) == ("ready", "ok")


async def test_a_model_of_another_name_is_named(tmp_path: Path) -> None:
    async with stub({}) as model:
        generation = {"url": model.url, "model": "other-model"}
        async with running(settings(tmp_path, generation=generation)) as (client, _):
            told = (await ready(client))["components"]["llm"]
    assert told["status"] == "degraded"
    assert "other-model" in told["detail"]
    assert "some-model" in told["detail"]


async def test_a_server_that_is_away_still_leaves_answers(tmp_path: Path) -> None:
    async with served(tmp_path, {}, DOCUMENT) as here:
        assert (await ready(here.client))["components"]["llm"]["status"] == "ok"
    generation = {"url": AWAY, "model": "some-model"}
    async with running(settings(tmp_path, generation=generation)) as (client, _):
        told = await ready(client)
        assert (told["status"], told["components"]["llm"]["status"]) == ("degraded", "degraded")
        response = await client.post(
            "/v1/collections/default/ask", json={"question": "Who painted the Tern Mill?"}
        )
    answer = response.json()
    assert (answer["status"], answer["generator"]) == ("answered", "extractive")
    assert "llm" in [one["component"] for one in answer["degraded"]]


async def test_who_watches_does_not_burden_the_server(tmp_path: Path) -> None:
    async with stub({}) as model:
        generation = {"url": model.url, "model": "some-model"}
        async with running(settings(tmp_path, generation=generation)) as (client, _):
            await asyncio.gather(*(ready(client) for _ in range(20)))
            await ready(client)
        assert len(model.listings) == 1


async def examined(capsys: pytest.CaptureFixture[str], component: str = "llm") -> tuple[int, str]:
    """What `anabranch doctor` ends with and says of a component; it runs a loop of its own."""
    lane = Lane("doctor", 1)
    try:
        status = await lane.run(lambda: main(["doctor"]))
    finally:
        lane.close()
    said = capsys.readouterr().out.splitlines()
    (line,) = [line for line in said if line.strip().startswith(component)]
    return status, line


async def test_doctor_reports_the_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANABRANCH_GENERATION__MODEL", "some-model")
    async with stub({}) as model:
        monkeypatch.setenv("ANABRANCH_GENERATION__URL", model.url)
        status, line = await examined(capsys)
    assert status == 0
    assert "ok" in line
    assert "some-model" in line
    monkeypatch.setenv("ANABRANCH_GENERATION__URL", AWAY)
    status, line = await examined(capsys)
    assert status == 0
    assert "degraded" in line


@pytest.mark.parametrize(
    ("mode", "lfd", "verdict", "told"),
    [
        ("auto", stub_lfd.plugin, "ok", "on"),
        ("auto", stub_lfd.without, "ok", "absent: the model server ignores LFD arguments"),
        ("auto", stub_lfd.broken, "degraded", "broken: the plugin is loaded"),
        ("require", stub_lfd.half_loaded, "broken", "refused: lfd cannot be had"),
    ],
)
async def test_doctor_proves_layer_fused_decoding(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    mode: str,
    lfd: Any,
    verdict: str,
    told: str,
) -> None:
    monkeypatch.setenv("ANABRANCH_GENERATION__MODEL", "some-model")
    monkeypatch.setenv("ANABRANCH_LFD", mode)
    async with stub({}, lfd=lfd) as model:
        monkeypatch.setenv("ANABRANCH_GENERATION__URL", model.url)
        status, line = await examined(capsys, "lfd")
    assert status == (verdict == "broken")
    assert line.split()[1] == verdict
    assert told in line


HALVES = {
    "only a model": ({"GENERATION__MODEL": "some-model"}, "ANABRANCH_GENERATION__URL"),
    "only an address": ({"GENERATION__URL": AWAY}, "ANABRANCH_GENERATION__MODEL"),
    "only a key": ({"GENERATION__KEY": "sk-secret"}, "ANABRANCH_GENERATION__URL"),
    "no address": (
        {"GENERATION__URL": "not an address", "GENERATION__MODEL": "m"},
        "ANABRANCH_GENERATION__URL",
    ),
    "a key of two lines": (
        {"GENERATION__URL": AWAY, "GENERATION__MODEL": "m", "GENERATION__KEY": "sk-secret\nx"},
        "ANABRANCH_GENERATION__",
    ),
}


@pytest.mark.parametrize("command", ["serve", "doctor"])
@pytest.mark.parametrize(("given", "named"), HALVES.values(), ids=HALVES)
def test_half_a_model_is_refused_and_the_setting_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: dict[str, str],
    named: str,
    command: str,
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"ANABRANCH_{name}", value)
    status = main([command])
    said = capsys.readouterr()
    assert status == (2 if command == "serve" else 1), said.out + said.err
    assert named in said.out + said.err
    assert "sk-secret" not in said.out + said.err
