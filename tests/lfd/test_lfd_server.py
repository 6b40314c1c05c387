"""What a user of the model server meets: parameters, refusals, streams, grammars, neighbours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("vllm", reason="needs vLLM")

from served import NAME, Server, served
from tiny_models import build

pytestmark = pytest.mark.vllm

PROMPT = [301, 542, 777, 1_001, 400]
ON = {"lfd": 1}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, plugin: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    model = build(folder / "qwen3", "qwen3")
    with served(model, folder / "log", "--enforce-eager", plugin=plugin) as running:
        yield running


def ids(server: Server, arguments: Mapping[str, Any] | None = None, **body: Any) -> list[int]:
    given = {"vllm_xargs": dict(arguments)} if arguments else {}
    answer = server.complete(PROMPT, **{"max_tokens": 16, "ignore_eos": True, **given, **body})
    found: list[int] = answer["choices"][0]["token_ids"]
    return found


def scored(
    server: Server, arguments: Mapping[str, Any] | None = None
) -> tuple[list[int], list[float]]:
    """40 tokens and their log-probabilities."""
    given = {"vllm_xargs": dict(arguments)} if arguments else {}
    answer = server.complete(PROMPT, max_tokens=40, ignore_eos=True, logprobs=1, **given)
    choice = answer["choices"][0]
    return choice["token_ids"], choice["logprobs"]["token_logprobs"]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"lfd_alpha": 0.1}, "lfd_alpha"),
    ({"lfd_probe": [10, 11]}, "lfd_probe"),
    ({"lfd": 2}, "lfd "),
    ({"lfd": "maybe"}, "lfd "),
    ({"lfd": [1]}, "lfd "),
    ({"lfd": 1, "lfd_gamma": 1}, "lfd_gamma"),
    ({"lfd": 1, "lfd_alpha": 1.5}, "lfd_alpha"),
    ({"lfd": 1, "lfd_alpha": -0.1}, "lfd_alpha"),
    ({"lfd": 1, "lfd_alpha": "0.1"}, "lfd_alpha"),
    ({"lfd": 0, "lfd_alpha": "0.1"}, "lfd_alpha"),
    ({"lfd": 1, "lfd_weight": 4.5}, "lfd_weight"),
    ({"lfd": 1, "lfd_weight": "heavy"}, "lfd_weight"),
    ({"lfd": 1, "lfd_layer": 0}, "lfd_layer"),
    ({"lfd": 1, "lfd_layer": 2.5}, "lfd_layer"),
    ({"lfd": 1, "lfd_divergence": "tv"}, "lfd_divergence"),
    ({"lfd": 1, "lfd_every": 0}, "lfd_every"),
    ({"lfd": 1, "lfd_every": 257}, "lfd_every"),
    ({"lfd": 1, "lfd_every": "twice"}, "lfd_every"),
    ({"lfd": 1, "lfd_probe": [10]}, "lfd_probe"),
    ({"lfd": 1, "lfd_probe": [10, 10]}, "lfd_probe"),
]


@pytest.mark.parametrize(("arguments", "named"), BAD, ids=lambda value: json.dumps(value))
def test_a_bad_parameter_is_refused_by_name(
    server: Server, arguments: dict[str, Any], named: str
) -> None:
    response = server.post("completions", prompt=PROMPT, vllm_xargs=arguments)
    assert response.status_code == 400
    assert named in response.json()["error"]["message"]
    assert httpx.get(f"{server.url}/health").status_code == 200


def test_not_a_number_is_refused(server: Server) -> None:
    body = json.dumps({"model": NAME, "prompt": PROMPT, "vllm_xargs": {**ON, "lfd_alpha": 7}})
    response = httpx.post(
        f"{server.url}/v1/completions",
        content=body.replace(": 7}", ": NaN}"),
        headers={"Content-Type": "application/json"},
        timeout=60,
    )
    assert response.status_code == 400


def test_a_repetition_penalty_is_refused_together_with_it(server: Server) -> None:
    body = {"prompt": PROMPT, "repetition_penalty": 1.2}
    refused = server.post("completions", vllm_xargs=ON, **body)
    assert refused.status_code == 400
    assert "repetition_penalty" in refused.json()["error"]["message"]
    assert server.post("completions", **body).status_code == 200


def test_arguments_of_others_are_let_through(server: Server) -> None:
    assert ids(server, {"another_plugin": 3}) == ids(server)


def test_neither_head_nor_weight_changes_nothing(server: Server) -> None:
    plain_ids, plain = scored(server)
    fused_ids, fused = scored(server, {**ON, "lfd_alpha": 0, "lfd_weight": 0})
    assert fused_ids == plain_ids
    assert max(abs(a - b) for a, b in zip(fused, plain, strict=True)) < 1e-5


def test_a_head_of_one_token_decodes_as_without(server: Server) -> None:
    found, log_probs = scored(server, {**ON, "lfd_alpha": 1, "lfd_weight": 3})
    assert found == scored(server)[0]
    assert log_probs == [0.0] * len(found)


def test_it_changes_what_is_said(server: Server) -> None:
    assert ids(server, ON) != ids(server)
    assert ids(server, {"lfd": 0}) == ids(server, {"lfd": "off"}) == ids(server)
    assert ids(server, {"lfd": "on"}) == ids(server, {"lfd": True}) == ids(server, ON)


def test_a_stream_says_the_same(server: Server) -> None:
    body = {
        "model": NAME,
        "messages": [{"role": "user", "content": "bade fi?"}],
        "max_tokens": 24,
        "temperature": 0,
        "vllm_xargs": ON,
    }
    url = f"{server.url}/v1/chat/completions"
    whole = httpx.post(url, json=body, timeout=60).json()["choices"][0]["message"]["content"]
    pieces = []
    with httpx.stream("POST", url, json={**body, "stream": True}, timeout=60) as response:
        for line in response.iter_lines():
            if line.startswith("data: {"):
                delta = json.loads(line[6:])["choices"][0]["delta"]
                pieces.append(delta.get("content") or "")
    assert whole
    assert "".join(pieces) == whole


def test_several_choices_and_log_probabilities_of_the_prompt(server: Server) -> None:
    answer = server.complete(
        PROMPT, n=3, temperature=1.0, seed=5, max_tokens=12, ignore_eos=True, vllm_xargs=ON
    )
    assert len({tuple(choice["token_ids"]) for choice in answer["choices"]}) == 3
    again = server.complete(PROMPT, max_tokens=4, prompt_logprobs=2, vllm_xargs=ON)
    assert len(again["choices"][0]["prompt_logprobs"]) == len(PROMPT)
    assert again["choices"][0]["token_ids"] == ids(server, ON, max_tokens=4, ignore_eos=False)


@pytest.mark.parametrize("arguments", [None, ON], ids=["off", "on"])
def test_paths_of_a_graph_stay_paths(server: Server, arguments: dict[str, Any] | None) -> None:
    """Constrained to an alternation of paths, a random model says one of them, on or off."""
    paths = [
        f"Person {a} -[knows (since {a + b})]-> Person {b}|town.{b}"
        for a in range(10)
        for b in range(10)
    ]
    regex = "|".join(re.escape(path).replace(r"\ ", " ") for path in paths)
    given = {"vllm_xargs": arguments} if arguments else {}

    def ask(seed: int) -> str:
        answer = server.complete(
            PROMPT,
            temperature=1.0,
            seed=seed,
            max_tokens=120,
            structured_outputs={"regex": regex},
            **given,
        )["choices"][0]
        assert answer["finish_reason"] == "stop"
        text: str = answer["text"]
        return text

    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(ask, range(50)))
    assert set(said) <= set(paths)
    assert len(set(said)) > 5, "the model is hardly random"


def test_a_schema_is_kept_to(server: Server) -> None:
    schema = {
        "type": "object",
        "properties": {
            "answer": {"enum": ["yes", "no", "unknown"]},
            "passages": {"type": "array", "items": {"enum": [1, 2, 3]}, "maxItems": 3},
        },
        "required": ["answer", "passages"],
        "additionalProperties": False,
    }

    def ask(seed: int) -> dict[str, Any]:
        answer = server.complete(
            PROMPT,
            temperature=1.0,
            seed=seed,
            max_tokens=200,
            structured_outputs={"json": schema},
            vllm_xargs=ON,
        )["choices"][0]
        assert answer["finish_reason"] == "stop"
        found: dict[str, Any] = json.loads(answer["text"])
        return found

    with ThreadPoolExecutor(16) as pool:
        for found in pool.map(ask, range(50)):
            assert found.keys() == {"answer", "passages"}
            assert found["answer"] in {"yes", "no", "unknown"}
            assert set(found["passages"]) <= {1, 2, 3}


def test_neighbours_that_leave_change_nothing_for_others(server: Server) -> None:
    def leaving(number: int) -> None:
        """Close the connection in the middle of a stream."""
        given = {
            "model": NAME,
            "prompt": [*PROMPT, 300 + number],
            "max_tokens": 400,
            "ignore_eos": True,
            "stream": True,
            "vllm_xargs": {**ON, "lfd_every": 1 + number % 3},
        }
        url = f"{server.url}/v1/completions"
        with httpx.stream("POST", url, json=given, timeout=60) as response:
            for seen, _ in enumerate(response.iter_lines()):
                if seen > 10 + number:
                    return

    alone_ids, alone = scored(server)
    with ThreadPoolExecutor(16) as pool:
        left = [pool.submit(leaving, number) for number in range(8)]
        beside = list(pool.map(scored, [server] * 8))
        for each in left:
            each.result()
    assert [found for found, _ in beside] == [alone_ids] * 8
    assert all(abs(a - b) < 1e-4 for _, found in beside for a, b in zip(found, alone, strict=True))
    assert "Traceback" not in server.said()


def test_the_probe_answers_that_it_works(server: Server) -> None:
    before = ids(server)
    said = [ids(server, {**ON, "lfd_probe": probe}, max_tokens=1) for probe in ([10, 11], [11, 10])]
    assert said == [[10], [11]]
    assert ids(server) == before
    # Ids that the vocabulary does not have bend nothing and break nothing.
    assert ids(server, {**ON, "lfd_probe": [10, 2**31 - 1]}, max_tokens=1) != [10]
    assert ids(server) == before
