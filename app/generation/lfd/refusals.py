"""What layer-fused decoding cannot work with; read from vLLM's configuration before a model loads.

Standard library only: the configuration is taken as it comes.
"""

from __future__ import annotations

from typing import Any

WAY_OUT = "or start without layer-fused decoding: leave anabranch_lfd out of VLLM_PLUGINS"


def unsupported(config: Any) -> list[str]:
    """Why a model may not start with this `VllmConfig`, each with the flag that helps.

    Source: vLLM 0.32.0, whose fields are named here.
    """
    parallel = config.parallel_config
    found = {
        "intermediate layers would lie on other ranks: --pipeline-parallel-size 1": (
            parallel.pipeline_parallel_size > 1
        ),
        "a request would have several rows: leave out --speculative-config": (
            config.speculative_config is not None
        ),
        "rows would be projected in parts: leave out --enable-batch-sharded-sampling": (
            parallel.enable_batch_sharded_sampling
        ),
        "batches would be split and merged: leave out --enable-dbo and --ubatch-size": (
            parallel.enable_dbo or parallel.ubatch_size > 1
        ),
        "the prompt would lie on several ranks: --prefill-context-parallel-size 1": (
            parallel.prefill_context_parallel_size > 1
        ),
        "adapters replace the way to the logits: leave out --enable-lora": (
            config.lora_config is not None
        ),
    }
    return [why for why, applies in found.items() if applies]


def refuse(config: Any) -> None:
    """Raises `ValueError` if layer-fused decoding cannot work with this configuration."""
    if found := unsupported(config):
        raise ValueError(
            f"anabranch: layer-fused decoding cannot work here; {'; '.join(found)}; {WAY_OUT}"
        )
