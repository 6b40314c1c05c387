"""Layer-fused decoding inside vLLM; an island: it imports nothing else of ours.

LFD as reconstructed from the abstract of arXiv 2508.19614. vLLM finds this package by its entry
points when it is installed beside it. At import time it loads nothing: every process of vLLM does.
"""

from __future__ import annotations

from collections.abc import Mapping

ARCHITECTURES: Mapping[str, str] = {
    "LlamaForCausalLM": "LFDLlamaForCausalLM",
    "MistralForCausalLM": "LFDMistralForCausalLM",
    "Qwen2ForCausalLM": "LFDQwen2ForCausalLM",
    "Qwen3ForCausalLM": "LFDQwen3ForCausalLM",
}
"""Names in a model's configuration, and our class for each; vLLM's table is by name."""

SUPPORTED_VLLM = frozenset({"0.32.0"})
"""Versions whose internal interfaces were read and tested."""

_MODULE = "app.generation.lfd.models"


def register() -> None:
    """Point vLLM's table of models at our classes, by name; safe to call again.

    Entry point of the group `vllm.general_plugins`, which vLLM calls in each of its processes.
    With another version of vLLM nothing is registered, and requests for LFD are refused.
    """
    from vllm.logger import init_logger
    from vllm.model_executor.models.registry import ModelRegistry

    if missing := unready():
        init_logger("vllm.anabranch").error("Layer-fused decoding is off: %s", missing)
        return
    for architecture, name in ARCHITECTURES.items():
        ModelRegistry.register_model(architecture, f"{_MODULE}:{name}")


def unready() -> str:
    """Why this process cannot offer LFD whatever is registered; empty if it can."""
    import vllm

    version = vllm.__version__.partition("+")[0]
    if version in SUPPORTED_VLLM:
        return ""
    return f"vLLM {version} is not one of {', '.join(sorted(SUPPORTED_VLLM))}"


def registered() -> bool:
    """Whether vLLM's table holds our classes in this process."""
    from vllm.model_executor.models.registry import ModelRegistry

    return all(
        getattr(ModelRegistry.models.get(architecture), "module_name", None) == _MODULE
        for architecture in ARCHITECTURES
    )
