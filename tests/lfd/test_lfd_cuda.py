"""The comparison with the reference on a CUDA device: both model runners, with and without graphs.

Run by hand where there is one: pytest -m gpu tests/lfd/test_lfd_cuda.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("vllm", reason="needs vLLM")

import torch
from comparing import compared, prompts
from reference import Reference
from served import served
from tiny_models import build

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

TOKENS = 24
# Without graphs the norms run in place, which a state that was not cloned would not survive.
MODES = {"graphs": (), "eager": ("--enforce-eager",)}
RUNNERS = {"second": "1", "first": "0"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3"])
def test_mixed_requests_decode_as_the_reference_does_in_float32(
    family: str, runner: str, mode: str, tmp_path: Path, plugin: Path
) -> None:
    model = build(tmp_path / family, family)
    asked = prompts(Reference(model), TOKENS)
    environment = {"VLLM_USE_V2_MODEL_RUNNER": RUNNERS[runner]}
    flags = ("--gpu-memory-utilization", "0.2", *MODES[mode])
    log = tmp_path / "log"
    with served(model, log, *flags, plugin=plugin, environment=environment) as server:
        found = compared(server, asked)
        assert ("Using V2 Model Runner" in server.said()) == (runner == "second")
    assert [pair.ids for pair in found] == [pair.expected.ids for pair in found]
    assert max(pair.off() for pair in found) < 1e-3


@pytest.mark.parametrize("mode", MODES)
def test_in_bfloat16_only_what_is_close_differs(mode: str, tmp_path: Path, plugin: Path) -> None:
    """Near-ties flip with the shape of the batch, so the first token alone is compared."""
    model = build(tmp_path / "qwen3", "qwen3")
    asked = prompts(Reference(model), 1, count=24)
    flags = ("--dtype", "bfloat16", "--gpu-memory-utilization", "0.2", *MODES[mode])
    with served(model, tmp_path / "log", *flags, plugin=plugin) as server:
        found = compared(server, asked)
    wrong = [p for p in found if p.ids != p.expected.ids and p.expected.margins[0] > 0.05]
    assert not wrong
