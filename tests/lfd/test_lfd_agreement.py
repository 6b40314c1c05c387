"""A real vLLM server, over HTTP, decodes as the reference does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("vllm", reason="needs vLLM")

from comparing import compared, prompts
from reference import Reference
from served import served
from tiny_models import build

pytestmark = pytest.mark.vllm

TOKENS = 16
MODES: dict[str, Sequence[str]] = {
    "eager": ("--enforce-eager", "--no-enable-prefix-caching"),
    "compiled": ("--no-enable-prefix-caching",),
    "chunked": ("--enforce-eager", "--enable-prefix-caching", "--max-num-batched-tokens", "32"),
}
# By the runner that vLLM takes on CUDA devices.
MODES["second runner"] = ("--enforce-eager", "--no-enable-prefix-caching")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_mixed_requests_decode_as_the_reference_does(
    family: str, mode: str, tmp_path: Path, plugin: Path
) -> None:
    model = build(tmp_path / family, family)
    reference = Reference(model)
    # A block of the cache has 128 tokens.
    long = mode == "chunked"
    asked = prompts(reference, TOKENS, count=4 if long else 6, shared=130 if long else 0)
    second = mode == "second runner"
    log = tmp_path / "log"
    with served(model, log, *MODES[mode], plugin=plugin, second=second) as server:
        found = compared(server, asked)
        assert ("Using V2 Model Runner" in server.said()) == second
        if mode == "chunked":
            assert hits(server.metrics()) > 0, "nothing came from the prefix cache"
    assert len(found) >= 24
    assert [pair.ids for pair in found] == [pair.expected.ids for pair in found]
    assert max(pair.off() for pair in found) < 1e-3
    assert sum(pair.compared for pair in found) > 0.9 * len(found)
    used = {layer for pair in found for layer in pair.expected.layers}
    assert used - {0} == set(reference.candidates), "some layer was never chosen"
    changed = [decoded[0].ids != decoded[1].ids for _, decoded in asked]
    assert sum(changed) >= len(changed) - 1, "on and off differ too rarely to show anything"


def test_mistral_decodes_as_the_reference_does(tmp_path: Path, plugin: Path) -> None:
    model = build(tmp_path / "mistral", "mistral")
    asked = prompts(Reference(model), TOKENS)
    with served(model, tmp_path / "log", *MODES["eager"], plugin=plugin) as server:
        found = compared(server, asked)
    assert [pair.ids for pair in found] == [pair.expected.ids for pair in found]
    assert max(pair.off() for pair in found) < 1e-3


def hits(metrics: str) -> float:
    """Tokens that came from the prefix cache."""
    counted = [
        float(line.rpartition(" ")[2])
        for line in metrics.splitlines()
        if line.startswith("vllm:prefix_cache_hits_total")
    ]
    return sum(counted)
