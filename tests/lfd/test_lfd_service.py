"""The whole service over the demonstration's world, with a real vLLM that decodes fused layers."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from served import Server, installed, served

pytest.importorskip("sqlalchemy", reason="runs beside the service")

from app.demo import documents
from benchmarks.vllm_server import NAME, PYTHON
from tests.whole import running, settings

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.vllm,
    pytest.mark.skipif(
        "ANABRANCH_TEST_VLLM_PYTHON" not in os.environ,
        reason="needs vLLM: name its interpreter in ANABRANCH_TEST_VLLM_PYTHON",
    ),
]

QUESTION = "How many newton metres does the collar of HV-2207 take?"
SENTENCE = "The collar of hinge pin HV-2207 takes 84 newton metres [{number}]."
ASK = "/v1/collections/default/ask"
# For the text alone: a model that knows one sentence would take long to be no use in JSON.
BUDGET = {"llm_calls": 1}
LONGEST = 32_768


@asynccontextmanager
async def world(folder: Path, server: Server | None, **given: Any) -> AsyncIterator[Any]:
    """A client of the service with the demonstration's documents."""
    generation = {"url": f"{server.url}/v1", "model": NAME} if server else {}
    async with running(settings(folder, generation=generation, **given)) as (client, services):
        default = await services.collections.get("default")
        job = await services.ingest.accept(default, documents())
        assert (await services.ingest.wait(job.id, 60)).status == "succeeded"
        if server:
            await services.lfd.probed_once(60)
        yield client


async def ask(client: Any, **given: Any) -> dict[str, Any]:
    body = {"question": QUESTION, "reasoning": "direct", "budget": BUDGET, **given}
    response = await client.post(ASK, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


@pytest.fixture(scope="module")
def number(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Where the passage that answers stands among those that the model is shown."""
    import asyncio

    async def found() -> int:
        async with world(tmp_path_factory.mktemp("alone"), None) as client:
            answer = await ask(client)
            hits = [hit["chunk_id"] for hit in answer["evidence"]]
            return 1 + hits.index(answer["citations"][0]["chunk_id"])

    return asyncio.run(found())


@pytest.fixture(scope="module")
def server(number: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a model that knows the answer by heart, cited as the question's evidence is."""
    folder = tmp_path_factory.mktemp("reciting")
    builder = Path(__file__).parent / "reciting.py"
    told = (SENTENCE.format(number=number), str(LONGEST))
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    subprocess.run([PYTHON, str(builder), str(folder / "model"), *told], check=True, env=env)
    plugin = installed(folder / "plugin")
    flags = ("--enforce-eager", "--max-num-batched-tokens", "4096")
    with served(folder / "model", folder / "log", *flags, plugin=plugin, longest=LONGEST) as made:
        yield made


async def test_the_answer_is_written_with_fused_layers_and_the_trace_proves_it(
    server: Server, tmp_path: Path
) -> None:
    async with world(tmp_path, server, lfd_every=4) as client:
        answer = await ask(client, generation={"lfd": {"alpha": 0.2, "weight": 0.5}})
        assert answer["status"] == "answered"
        assert answer["generator"] == NAME
        assert "84 newton metres" in answer["answer"]
        assert answer["citations"]
        assert answer["degraded"] == []
        trace = (await client.get(f"/v1/answers/{answer['id']}/trace")).json()
        assert trace["lfd"]["state"] == "on"
        assert trace["lfd"]["checked_at"]
        (written,) = [call for call in trace["llm_calls"] if call["step"] == "synth"]
        assert written["lfd"] == {
            "asked": True,
            "sent": True,
            "alpha": 0.2,
            "weight": 0.5,
            "every": 4,
            "state": "on",
        }
        assert all(not c["lfd"]["sent"] for c in trace["llm_calls"] if c["step"] != "synth")


async def test_it_streams_the_same(server: Server, tmp_path: Path) -> None:
    async with world(tmp_path, server) as client:
        whole = await ask(client, generation={"lfd": {"required": True}})
        body = {
            "question": QUESTION,
            "reasoning": "direct",
            "budget": BUDGET,
            "stream": True,
            "generation": {"lfd": True},
        }
        events: list[tuple[str, Any]] = []
        async with client.stream("POST", ASK, json=body) as response:
            async for line in response.aiter_lines():
                name, _, told = line.partition(": ")
                if name == "event":
                    events.append((told, None))
                elif name == "data":
                    events[-1] = (events[-1][0], json.loads(told))
        pieces = [told["text"] for name, told in events if name == "answer.delta"]
        (last,) = (told for name, told in events if name == "answer.completed")
        assert "".join(pieces) == last["answer"] == whole["answer"]
        assert last["citations"] == whole["citations"]
        assert last["degraded"] == []


async def test_readiness_tells_what_was_proven(server: Server, tmp_path: Path) -> None:
    async with world(tmp_path, server, lfd="require") as client:
        ready = (await client.get("/readyz")).json()
        assert ready["components"]["lfd"]["status"] == "ok"
        assert ready["components"]["lfd"]["state"] == "on"


async def test_without_the_plugin_the_answer_says_so(server: Server, tmp_path: Path) -> None:
    model = server.running.log.parent / "model"
    flags = ("--enforce-eager", "--max-num-batched-tokens", "4096")
    with served(model, tmp_path / "log", *flags, plugin=None, longest=LONGEST) as plain:
        async with world(tmp_path / "data", plain) as client:
            answer = await ask(client, generation={"lfd": True})
            assert answer["status"] == "answered"
            assert answer["generator"] == NAME
            assert [lost["component"] for lost in answer["degraded"]] == ["lfd"]
            body = {"question": QUESTION, "generation": {"lfd": {"required": True}}}
            refused = await client.post(ASK, json=body)
            assert refused.status_code == 422
            assert refused.json()["errors"][0]["at"] == "/body/generation/lfd/required"
