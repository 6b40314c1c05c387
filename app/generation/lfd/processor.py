"""Fuses the logits of the requests that ask for it; one class for both of vLLM's model runners.

`apply` does not raise on one device: an exception there ends the engine for everyone. Nothing in it
waits for the device. Source: vLLM 0.32.0.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor
from vllm.logger import init_logger
from vllm.v1.sample.logits_processor import LogitsProcessor as V1LogitsProcessor
from vllm.v1.sample.logits_processor.builtin import process_dict_updates
from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor as V2LogitsProcessor

from app.generation.lfd import ARCHITECTURES, registered, runtime, unready
from app.generation.lfd.fusing import Asking, Wish, deny, fused
from app.generation.lfd.options import options
from app.generation.lfd.params import parse

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.config import VllmConfig

REQUIRED = "ANABRANCH_LFD_REQUIRED"
"""Variable of vLLM's environment: 1 keeps the server from starting without LFD."""


class LFDLogitsProcessor(V1LogitsProcessor, V2LogitsProcessor):
    """Entry point of the group `vllm.logits_processors`.

    Args:
        vllm_config: The engine's configuration.
        args: Of V1 the device and whether memory is pinned, of V2 the state of its slots.

    Raises:
        RuntimeError: LFD cannot be had, and `ANABRANCH_LFD_REQUIRED` is 1.
    """

    def __init__(self, vllm_config: VllmConfig, *args: Any) -> None:
        self._log = init_logger("vllm.anabranch")
        self._instance_id = vllm_config.instance_id
        self._scratch = options(vllm_config.additional_config).scratch_mib * 1024**2
        # By index in the batch (V1), or by slot (V2).
        self._wishes: dict[int, Wish] = {}
        self._slots: Any = args[0] if len(args) == 1 else None
        self._ranks = vllm_config.parallel_config.tensor_parallel_size
        self._lost = False
        if missing := _missing(vllm_config):
            if os.environ.get(REQUIRED) == "1":
                raise RuntimeError(f"{REQUIRED} is 1, but layer-fused decoding is off: {missing}")
            self._log.warning("Layer-fused decoding is off: %s", missing)

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Refuse what cannot be; vLLM answers 400.

        Raises:
            ValueError: An unknown or bad parameter, named; or LFD cannot be had in this server.
        """
        if parse(sampling_params.extra_args) is None:
            return
        if missing := unready() or _unregistered():
            raise ValueError(f"lfd cannot be had from this server: {missing}")
        if sampling_params.repetition_penalty != 1:
            raise ValueError(
                "lfd does not go together with repetition_penalty: send 1.0, or start the server "
                "with --generation-config vllm if the model sets another one"
            )

    def is_argmax_invariant(self) -> bool:
        """False: the most probable token may be another one (V1)."""
        return False

    def update_state(self, batch_update: Any) -> None:
        """Follow the batch (V1)."""

        def made(params: SamplingParams, _: Any, generated: list[int]) -> Wish | None:
            wanted = parse(params.extra_args)
            return Wish(wanted, generated) if wanted else None

        process_dict_updates(self._wishes, batch_update, made)

    def add_request(self, req_idx: int, sampling_params: SamplingParams) -> bool:
        """Take a slot, whoever had it before (V2); whether its request asks for LFD."""
        self._wishes.pop(req_idx, None)
        if wanted := parse(sampling_params.extra_args):
            self._wishes[req_idx] = Wish(wanted)
        return wanted is not None

    def apply(self, logits: Tensor, ctx: Any = None) -> Tensor:
        """Fuse the rows of those who ask, in place.

        Args:
            logits: [rows, V], float32, masked by grammars already.
            ctx: What lies in which row (V2).
        """
        asking: Sequence[Asking] = ()
        try:
            asking = list(self._in_batch(logits) if ctx is None else self._in_slots(logits, ctx))
            if asking:
                self._fuse(logits, asking)
        except Exception as error:  # behind which the engine of all requests would end
            if self._ranks > 1:  # the others wait for this one: an end is better than a standstill
                raise
            self._lose(f"{type(error).__name__}: {error}")
            deny(logits, asking)
        return logits

    def _fuse(self, logits: Tensor, asking: Sequence[Asking]) -> None:
        model = runtime.get(self._instance_id)
        rows = getattr(model, "lfd_rows", None)
        if model is not None and rows is not None and len(rows) == len(logits):
            fused(logits, rows, asking, model, self._scratch)
            return
        lost = "the model is not one of ours" if model is None else "its states are of other rows"
        self._lose(lost)
        deny(logits, asking)

    def _in_batch(self, logits: Tensor) -> Iterator[Asking]:
        for row, wish in sorted(self._wishes.items()):
            if row < len(logits):
                yield Asking(row, wish, len(wish.generated))

    def _in_slots(self, logits: Tensor, ctx: Any) -> Sequence[Asking]:
        slots = ctx.idx_mapping_np.tolist()
        if self._wishes.keys().isdisjoint(slots):
            return []
        if len(slots) != len(logits):
            self._lose("a request has several rows")
            return []
        found = []
        for row, slot in enumerate(slots):
            seen = int(ctx.seq_lens_upper_bound_np[row])
            # What is sampled in the middle of a prompt is thrown away.
            if slot in self._wishes and seen >= self._slots.prefill_len.np[slot]:
                generated = seen - int(self._slots.prompt_len.np[slot])
                found.append(Asking(row, self._wishes[slot], generated))
        return found

    def _lose(self, why: str) -> None:
        """Say once that rows stay as they were."""
        if not self._lost:
            self._log.error("Layer-fused decoding was asked for and left out: %s", why)
        self._lost = True


def _missing(config: VllmConfig) -> str:
    if why := unready() or _unregistered():
        return why
    named = config.model_config.architectures
    if not ARCHITECTURES.keys() & set(named):
        known = ", ".join(ARCHITECTURES)
        return f"the model is {', '.join(named)}; serve one of {known}, or leave {REQUIRED} unset"
    return ""


def _unregistered() -> str:
    if registered():
        return ""
    return "its plugin was not loaded: name anabranch_lfd in VLLM_PLUGINS, or do not set it"
