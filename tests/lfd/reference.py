"""Layer-fused decoding in plain transformers, one whole forward pass for each token.

Written from the formulae in probabilities, in float64, without cache, batch, chunks or vLLM; it
imports nothing of the project, so that a slip would have to be made twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Wish:
    """How to decode; `every` of None chooses the layer once."""

    alpha: float = 0.1
    weight: float = 1.0
    layer: int | None = None
    divergence: str = "jsd"
    every: int | None = 1


@dataclass(frozen=True)
class Decoded:
    """What came out: tokens, log-probabilities of all tokens at each step, and how it came.

    Attributes:
        layers: The one that was used at each step; 0 where none was.
        margins: What the second token lacked to the first in log-probability.
        gaps: What the second layer's score had above the lowest, where a layer was chosen.
        edges: How near a token was to being in the head or not at each step, in log-probability.
    """

    ids: list[int] = field(default_factory=list)
    log_probs: list[Tensor] = field(default_factory=list)
    layers: list[int] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    edges: list[float] = field(default_factory=list)

    @property
    def sure(self) -> bool:
        """Whether no choice was so close that the rounding of float32 may decide it."""
        return min(self.margins) > 1e-4 and min(self.gaps, default=1.0) > 1e-6


class Reference:
    """A model of transformers and what its layers predict."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(1)  # several wait for each other where others use the cores, too
        self.model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        count = self.model.config.num_hidden_layers
        self.candidates = range(count // 2 + 1, count)
        self._before: dict[int, Tensor] = {}
        self._after: dict[int, Tensor] = {}
        for number, layer in enumerate(self.model.model.layers, 1):
            # The last norm before the block sees the state that the block will be added to.
            layer.post_attention_layernorm.register_forward_pre_hook(self._kept(number))
            layer.register_forward_hook(self._given(number))

    def generate(
        self, prompt: list[int], count: int, wishes: Sequence[Wish | None] = (None,)
    ) -> list[Decoded]:
        """Greedy decoding of `count` tokens, once for each wish; None decodes as usual.

        It ends early where rounding may decide.
        """
        found = [Decoded() for _ in wishes]
        for step in range(count):
            finals = self._states([[*prompt, *one.ids] for one in found])
            for row, (one, wish) in enumerate(zip(found, wishes, strict=True)):
                p, layer, edge = _softmax(finals[row]), 0, math.inf
                if wish is not None:
                    layer = self._layer(one, wish, row, step)
                    edge = float((p.log() - (wish.alpha * p.max()).log()).abs().min())
                    p = self._fused(p, self._predicted(self._after[layer][row]), wish)
                best = p.topk(2).values.log()
                one.ids.append(int(p.argmax()))
                one.log_probs.append(p.log())
                one.layers.append(layer)
                one.edges.append(edge)
                one.margins.append(float(best[0] - best[1]))
            if not all(one.sure for one in found):
                break
        return found

    def _states(self, ids: list[list[int]]) -> Tensor:
        """Logits of the last position; the states there are kept by the hooks."""
        with torch.no_grad():
            return self.model(torch.tensor(ids)).logits[:, -1]

    def _predicted(self, state: Tensor) -> Tensor:
        with torch.no_grad():
            return _softmax(self.model.lm_head(self.model.model.norm(state)))

    def _layer(self, one: Decoded, wish: Wish, row: int, step: int) -> int:
        if wish.layer is not None:
            return min((abs(each - wish.layer), each) for each in self.candidates)[1]
        if step and (wish.every is None or step % wish.every):
            return one.layers[-1]
        scores = sorted((self._iks(each, row, wish.divergence), each) for each in self.candidates)
        one.gaps.append(scores[1][0] - scores[0][0])
        return scores[0][1]

    def _iks(self, layer: int, row: int, divergence: str) -> float:
        p = self._predicted(self._before[layer][row])
        q = self._predicted(self._after[layer][row])
        if divergence == "kl":
            return _kl(q, p)
        m = (p + q) / 2
        return (_kl(p, m) + _kl(q, m)) / 2

    def _fused(self, q: Tensor, intermediate: Tensor, wish: Wish) -> Tensor:
        plausible = q >= wish.alpha * q.max()
        product = torch.where(plausible, q * intermediate**wish.weight, torch.zeros_like(q))
        return product / product.sum()

    def _kept(self, number: int) -> Any:
        def hook(_: Any, given: tuple[Tensor, ...]) -> None:
            self._before[number] = given[0][:, -1].clone()

        return hook

    def _given(self, number: int) -> Any:
        def hook(_: Any, __: Any, output: Any) -> None:
            state = output[0] if isinstance(output, tuple) else output
            self._after[number] = state[:, -1].clone()

        return hook


def _softmax(logits: Tensor) -> Tensor:
    return torch.softmax(logits.double(), -1)


def _kl(p: Tensor, q: Tensor) -> float:
    held = p > 0
    return float((p[held] * (p[held] / q[held]).log()).sum())


def top(log_probs: Tensor, count: int) -> dict[int, float]:
    """The most probable tokens and their log-probabilities, impossible ones left out."""
    values, ids = log_probs.topk(count)
    return {
        int(id): float(value) for id, value in zip(ids, values, strict=True) if value > -math.inf
    }
