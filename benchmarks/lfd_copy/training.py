"""Trains the tiny model on the texts of a world."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.lfd_copy.facts import ASK, CLOSE, OPEN, Mixture, World
from benchmarks.lfd_copy.model import Model

_IGNORED = -100


@dataclass(frozen=True, slots=True)
class Course:
    """How a model is trained.

    Args:
        rate: Of AdamW, for the embedding and the norms; `matrix_rate` is Muon's, for the rest.
    """

    steps: int
    mixture: Mixture
    rows: int = 16
    width: int = 64
    rate: float = 5e-3
    matrix_rate: float = 0.02


def train(model: Model, world: World, course: Course) -> float:
    """Train in place; the last step's loss in nats per token."""
    steps = course.steps
    flat = [each for each in model.weights if each.ndim == 1 or each is model.embedding]
    square = [each for block in model.blocks for each in block.values() if each.ndim == 2]
    both: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(flat, lr=course.rate, betas=(0.9, 0.98), weight_decay=0.01),
        torch.optim.Muon(square, lr=course.matrix_rate, weight_decay=0.01),
    ]
    schedules = [torch.optim.lr_scheduler.LambdaLR(one, _rate(steps)) for one in both]
    began = time.monotonic()
    loss = torch.zeros(())
    for step in range(1, steps + 1):
        drawn = [world.row(course.width, course.mixture) for _ in range(course.rows)]
        loss = _loss(model, torch.tensor(drawn))
        for one in both:
            one.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.weights, 1.0)
        for one, schedule in zip(both, schedules, strict=True):
            one.step()
            schedule.step()
        if step % 50 == 0:
            took = time.monotonic() - began
            print(f"  step {step}/{steps}: loss {loss.item():.2f}, {took:.0f} s", file=sys.stderr)
    return float(loss.detach())


def _loss(model: Model, tokens: Tensor) -> Tensor:
    """Over what follows from the text: what a context says and what is asked about does not."""
    inside = (tokens == OPEN).cumsum(1) > (tokens == CLOSE).cumsum(1)
    asked = tokens.roll(1, 1) == ASK
    wanted = tokens.masked_fill(inside | asked, _IGNORED)[:, 1:]
    after = model.states(tokens[:, :-1])[-1][1]
    return functional.cross_entropy(
        model.project(after).flatten(0, 1), wanted.flatten(), ignore_index=_IGNORED
    )


def _rate(steps: int) -> Callable[[int], float]:
    """Up over the first tenth, then down to nothing along a cosine."""
    rising = max(1, steps // 10)

    def at(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return 0.5 + 0.5 * math.cos(math.pi * (step - rising) / max(1, steps - rising))

    return at
