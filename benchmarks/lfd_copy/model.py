"""A tiny decoder-only transformer as Llama's are, whose states around each block can be looked at.

Plain functions of tensors: blocks of attention with rotary positions and of a gated feed-forward
network, each after a root-mean-square norm; the embedding is the head too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.lfd_copy.facts import PAD

LAYERS = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a model."""

    vocabulary: int
    hidden: int = 96
    inner: int = 192
    layers: int = LAYERS
    heads: int = 4


class Model:
    """Weights drawn from a seed, and what they compute."""

    def __init__(self, shape: Shape, seed: int) -> None:
        draw = torch.Generator().manual_seed(seed)
        hidden, inner = shape.hidden, shape.inner

        def drawn(*size: int, scale: float) -> Tensor:
            return (torch.randn(size, generator=draw) * scale).requires_grad_()

        def ones() -> Tensor:
            return torch.ones(hidden, requires_grad=True)

        into, back = hidden**-0.5, (2 * shape.layers * hidden) ** -0.5
        self.shape = shape
        self.embedding = drawn(shape.vocabulary, hidden, scale=into)
        self.norm = ones()
        self.blocks = [
            {
                "attend_norm": ones(),
                "attend": drawn(3 * hidden, hidden, scale=into),
                "attended": drawn(hidden, hidden, scale=back),
                "feed_norm": ones(),
                "feed": drawn(2 * inner, hidden, scale=into),
                "fed": drawn(hidden, inner, scale=back),
            }
            for _ in range(shape.layers)
        ]

    @property
    def weights(self) -> list[Tensor]:
        """All that training changes."""
        each = [weight for block in self.blocks for weight in block.values()]
        return [self.embedding, self.norm, *each]

    def states(self, tokens: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Of each layer the states before and after its feed-forward block.

        Args:
            tokens: [B, T].

        Returns:
            As many pairs as layers, each [B, T, H].
        """
        x = self.embedding[tokens]
        turn = _rotation(tokens.shape[1], self.shape.hidden // self.shape.heads)
        found = []
        for block in self.blocks:
            before = x + self._attention(_normed(x, block["attend_norm"]), block, turn)
            gate, up = functional.linear(_normed(before, block["feed_norm"]), block["feed"]).chunk(
                2, -1
            )
            x = before + functional.linear(functional.silu(gate) * up, block["fed"])
            found.append((before, x))
        return found

    def project(self, states: Tensor) -> Tensor:
        """Logits of states, [..., H] to [..., V]."""
        return functional.linear(_normed(states, self.norm), self.embedding)

    def at_the_end(self, texts: Sequence[Sequence[int]], batch: int = 256) -> tuple[Tensor, Tensor]:
        """Logits at each text's last token before and after every layer's block, [N, R, V] each."""
        parts = [self._ends(texts[at : at + batch]) for at in range(0, len(texts), batch)]
        before, after = (torch.cat(part, 1) for part in zip(*parts, strict=True))
        return before, after

    def _ends(self, texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        # Padding to the right is never attended to.
        width = max(map(len, texts))
        tokens = torch.tensor([[*text, *[PAD] * (width - len(text))] for text in texts])
        row, last = torch.arange(len(texts)), torch.tensor([len(text) - 1 for text in texts])
        with torch.no_grad():
            pairs = [torch.stack([x[row, last] for x in pair]) for pair in self.states(tokens)]
            before, after = self.project(torch.stack(pairs, 1))
        return before, after

    def _attention(
        self, x: Tensor, block: dict[str, Tensor], turn: tuple[Tensor, Tensor]
    ) -> Tensor:
        batch, width, hidden = x.shape
        split = functional.linear(x, block["attend"]).view(batch, width, 3, self.shape.heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(
            _turned(query, turn), _turned(key, turn), value, is_causal=True
        )
        return functional.linear(
            mixed.transpose(1, 2).reshape(batch, width, hidden), block["attended"]
        )


def _normed(x: Tensor, weight: Tensor) -> Tensor:
    return functional.rms_norm(x, weight.shape, weight, 1e-6)


def _rotation(width: int, size: int) -> tuple[Tensor, Tensor]:
    rate = 1000.0 ** (-torch.arange(0, size, 2) / size)
    angle = torch.outer(torch.arange(width), rate)
    return angle.cos(), angle.sin()


def _turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    cos, sin = turn
    left, right = x.chunk(2, -1)
    return torch.cat([left * cos - right * sin, right * cos + left * sin], -1)
