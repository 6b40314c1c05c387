"""vLLM's models with a tap on their intermediate layers.

The states travel beside the last layer's as one wide tensor, out of the compiled region and through
CUDA graphs, to the rows that vLLM selects for sampling. Source: vLLM 0.32.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from vllm.logger import init_logger
from vllm.model_executor.models.llama import LlamaForCausalLM
from vllm.model_executor.models.mistral import MistralForCausalLM
from vllm.model_executor.models.qwen2 import Qwen2ForCausalLM
from vllm.model_executor.models.qwen3 import Qwen3ForCausalLM

from app.generation.lfd import runtime
from app.generation.lfd.layers import candidates, packed_bytes
from app.generation.lfd.options import KEY, options
from app.generation.lfd.refusals import refuse

if TYPE_CHECKING:
    from vllm.config import VllmConfig

_Base: Any = object  # in every class that is made with the mixin, a model of vLLM


class LFDMixin(_Base):
    """Stands before a vLLM model for causal language modelling among the bases of a class.

    Attributes:
        lfd_layers: The candidates, from 1; empty where the model is a part of another one or
            serves no text, and then it behaves as its base does.
        lfd_rows: States of the rows that are being sampled, [R, 2·K·H]; None before the first.
    """

    def __init__(self, *, vllm_config: VllmConfig, prefix: str = "", **others: Any) -> None:
        config = vllm_config.model_config.hf_text_config
        layers: tuple[int, ...] = ()
        # A multimodal model calls the text model inside it past `forward`.
        if not prefix and vllm_config.model_config.runner_type == "generate":
            refuse(vllm_config)
            chosen = options(vllm_config.additional_config)
            layers = candidates(config.num_hidden_layers, chosen.first, chosen.last)
            _own_cache(vllm_config, layers)
        super().__init__(vllm_config=vllm_config, prefix=prefix, **others)
        self.lfd_layers, self.lfd_width = layers, config.hidden_size
        self.lfd_rows: Tensor | None = None
        self._lfd_most: int = vllm_config.scheduler_config.max_num_seqs
        if layers:
            _tapped(self.model, layers)
            runtime.put(vllm_config.instance_id, self)
            _announce(vllm_config, config, layers)

    def forward(
        self,
        input_ids: Tensor | None,
        positions: Tensor,
        intermediate_tensors: Any = None,
        inputs_embeds: Tensor | None = None,
    ) -> Any:
        """The last layer's states and the candidates', [T, H·(1 + 2K)]."""
        found = self.model(input_ids, positions, intermediate_tensors, inputs_embeds)
        if not self.lfd_layers:
            return found
        final, states = found
        return torch.cat([final, *states], dim=-1)

    def compute_logits(self, hidden_states: Tensor) -> Tensor | None:
        """The last layer's logits; the candidates' states of the same rows are kept."""
        if not self.lfd_layers:
            return super().compute_logits(hidden_states)
        # More rows are those of a prompt whose log-probabilities are wanted; kept, they would hold
        # the wide states of all its tokens.
        few = len(hidden_states) <= self._lfd_most
        self.lfd_rows = hidden_states[:, self.lfd_width :] if few else None
        return super().compute_logits(hidden_states[:, : self.lfd_width].contiguous())

    def lfd_project(self, states: Tensor) -> Tensor:
        """Logits of intermediate states, [..., H] to [..., V], by the last layer's norm and head.

        Through vLLM's own layers, which know of padding, scale, soft cap, quantised heads and
        tensor parallelism.
        """
        flat = states.reshape(-1, states.shape[-1]).contiguous()
        logits = super().compute_logits(self.model.norm(flat))
        return logits.view(*states.shape[:-1], -1)


class LFDLlamaForCausalLM(LFDMixin, LlamaForCausalLM):
    """Llama."""


class LFDMistralForCausalLM(LFDMixin, MistralForCausalLM):
    """Mistral."""


class LFDQwen2ForCausalLM(LFDMixin, Qwen2ForCausalLM):
    """Qwen2 and Qwen2.5."""


class LFDQwen3ForCausalLM(LFDMixin, Qwen3ForCausalLM):
    """Qwen3, dense."""


def _tap(
    self: Any, kept: list[Tensor], layer: int, hidden_states: Tensor, residual: Tensor | None
) -> list[Tensor]:
    """Called by the model after each layer, with the block's output and the state before it."""
    if layer in self.lfd_layers and residual is not None:
        # Cloned: outside of inductor the next layer's fused norm adds to the residual in place,
        # which would turn the state before the block into the one after it.
        kept += [residual.clone(), hidden_states + residual]
    return kept


def _own_cache(vllm_config: VllmConfig, layers: tuple[int, ...]) -> None:
    """Keep vLLM from running a graph that it compiled without these taps.

    The key of its cache knows the method that is compiled, which is the base's, and this option.
    """
    if isinstance(vllm_config.additional_config, dict):
        vllm_config.additional_config |= {f"{KEY}_layers": [layers[0], layers[-1]]}


def _announce(vllm_config: VllmConfig, config: Any, layers: tuple[int, ...]) -> None:
    tokens = vllm_config.scheduler_config.max_num_batched_tokens
    element = vllm_config.model_config.dtype.itemsize
    mib = packed_bytes(tokens, len(layers), config.hidden_size, element) / 2**20
    init_logger("vllm.anabranch").info(
        "Layer-fused decoding: layers %d to %d of %d; the states of %d tokens take %.0f MiB",
        *(layers[0], layers[-1], config.num_hidden_layers, tokens, mib),
    )


def _tapped(inner: Any, layers: tuple[int, ...]) -> None:
    """Give this one module a class with the tap: the compiler looks methods up in the class."""
    base = type(inner)
    inner.__class__ = type(f"Tapped{base.__name__}", (base,), {"_maybe_add_hidden_state": _tap})
    inner.lfd_layers = layers
