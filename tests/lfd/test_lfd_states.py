"""Servers on which layer-fused decoding is missing, refused or must not start."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

pytest.importorskip("vllm", reason="needs vLLM")

from served import NotStarted, Server, served
from tiny_models import build

pytestmark = pytest.mark.vllm

PROMPT = [301, 542, 777]
EAGER = "--enforce-eager"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("states") / "llama", "llama")


def said(server: Server, *probe: int) -> list[int]:
    """What a probe is answered."""
    arguments = {"lfd": 1, "lfd_probe": list(probe)}
    answer = server.complete(PROMPT, max_tokens=1, vllm_xargs=arguments)
    found: list[int] = answer["choices"][0]["token_ids"]
    return found


def lives(server: Server) -> bool:
    """Whether it still answers others, after requests for layer-fused decoding too."""
    for _ in range(2):
        server.complete(PROMPT, max_tokens=4)
    return httpx.get(f"{server.url}/health").status_code == 200


def test_without_the_plugin_the_arguments_are_ignored(model: Path, tmp_path: Path) -> None:
    with served(model, tmp_path / "log", EAGER, plugin=None) as server:
        first, second = said(server, 10, 11), said(server, 11, 10)
        assert first == second
        assert first not in ([10], [11])
        assert lives(server)


def test_half_loaded_it_refuses_by_name(model: Path, tmp_path: Path, plugin: Path) -> None:
    """`VLLM_PLUGINS` filters one of the two entry points and not the other."""
    environment = {"VLLM_PLUGINS": "another"}
    log = tmp_path / "log"
    with served(model, log, EAGER, plugin=plugin, environment=environment) as server:
        response = server.post("completions", prompt=PROMPT, vllm_xargs={"lfd": 1})
        assert response.status_code == 400
        assert "VLLM_PLUGINS" in response.json()["error"]["message"]
        assert lives(server)


def test_another_architecture_is_served_and_the_probe_says_no(tmp_path: Path, plugin: Path) -> None:
    other = build(tmp_path / "olmo2", "olmo2")
    with served(other, tmp_path / "log", EAGER, plugin=plugin) as server:
        assert [said(server, 10, 11), said(server, 11, 10)] == [[11], [10]]
        plain = server.complete(PROMPT, max_tokens=8, ignore_eos=True)["choices"][0]
        asked = server.complete(PROMPT, max_tokens=8, ignore_eos=True, vllm_xargs={"lfd": 1})[
            "choices"
        ][0]
        assert asked["token_ids"] == plain["token_ids"]
        assert lives(server)
        assert "Layer-fused decoding is off: the model is Olmo2ForCausalLM" in server.said()


def test_where_it_is_required_another_architecture_does_not_start(
    tmp_path: Path, plugin: Path
) -> None:
    other = build(tmp_path / "olmo2", "olmo2")
    environment = {"ANABRANCH_LFD_REQUIRED": "1"}
    with (
        pytest.raises(NotStarted, match=r"ANABRANCH_LFD_REQUIRED is 1.*Olmo2ForCausalLM"),
        served(other, tmp_path / "log", EAGER, plugin=plugin, environment=environment),
    ):
        pass


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (
            (
                "--speculative-config",
                '{"method": "ngram", "num_speculative_tokens": 2, "prompt_lookup_max": 3}',
            ),
            "leave out --speculative-config",
        ),
        (
            ("--additional-config", '{"anabranch_lfd": {"first": 8}}'),
            "1 ≤ first ≤ last ≤ 7",
        ),
    ],
    ids=["speculation", "no candidate"],
)
def test_what_cannot_work_does_not_start(
    model: Path, tmp_path: Path, plugin: Path, flags: tuple[str, ...], named: str
) -> None:
    with (
        pytest.raises(NotStarted, match=named),
        served(model, tmp_path / "log", EAGER, *flags, plugin=plugin),
    ):
        pass
