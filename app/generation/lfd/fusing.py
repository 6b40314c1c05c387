"""Fusing in place the rows of a batch that ask for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import torch
from torch import Tensor

from app.generation.lfd.core import fuse, lowest
from app.generation.lfd.layers import nearest, scratch_rows
from app.generation.lfd.params import LFDParams

_MOVED = 1e-3  # share of a state's norm that a feed-forward block changes, at least
_SLACK = (1e-5, 1e-3)  # rounding below 0 and above ln 2


class Tapped(Protocol):
    """The model, as `models.LFDMixin` makes it."""

    lfd_layers: tuple[int, ...]
    lfd_width: int

    def lfd_project(self, states: Tensor) -> Tensor:
        """Logits of states, [..., H] to [..., V]."""
        ...


@dataclass(slots=True)
class Wish:
    """One request's parameters, and the layer that was chosen for it last.

    Args:
        generated: Its tokens up to now, kept by vLLM (V1).
        place: Among the candidates; a tensor of no dimension, so that no one waits for its value.
        chosen_at: How many tokens there were then.
    """

    params: LFDParams
    generated: Sequence[int] = ()
    place: Tensor | None = None
    chosen_at: int = -1


@dataclass(frozen=True, slots=True)
class Asking:
    """A row of the batch, whose it is, and how many tokens that request has got."""

    row: int
    wish: Wish
    generated: int

    @property
    def chooses(self) -> bool:
        """Whether the layer is chosen now."""
        params, wish = self.wish.params, self.wish
        if params.probe is not None:
            return True
        # Asked again without a token more, what was chosen was for the middle of a prompt.
        stale = wish.place is None or wish.chosen_at == self.generated
        return params.layer is None and (stale or params.chooses_at(self.generated))


def fused(
    logits: Tensor, rows: Tensor, asking: Sequence[Asking], model: Tapped, scratch: int
) -> None:
    """Replace rows of `logits` by fused log-probabilities.

    Args:
        logits: [R, V], float32.
        rows: The candidates' states of all rows, [R, 2·K·H]: of each candidate the state before its
            feed-forward block and the state after it.
        scratch: Bytes for comparing candidates.
    """
    count, vocabulary = len(model.lfd_layers), logits.shape[-1]
    states = rows.view(len(rows), count, 2, model.lfd_width)
    at_once = scratch_rows(count, vocabulary, scratch)
    choosing = sorted((a for a in asking if a.chooses), key=_kind)
    keeping = [one for one in asking if not one.chooses]  # before a choice makes keepers of others
    for _, alike in groupby(choosing, key=_kind):
        for some in _chunks(list(alike), at_once):
            _choose(logits, states, some, model)
    for some in _chunks(keeping, scratch_rows(1, vocabulary, scratch)):
        _keep(logits, states, some, model)


def deny(logits: Tensor, asking: Sequence[Asking]) -> None:
    """Answer the probes that layer-fused decoding does not work; other rows stay as they are."""
    for one in asking:
        _force(logits, one, torch.zeros((), dtype=torch.bool, device=logits.device))


def _choose(logits: Tensor, states: Tensor, some: Sequence[Asking], model: Tapped) -> None:
    index, alpha, weight = _numbers(some, logits.device)
    picked = states[index].permute(1, 2, 0, 3)  # [K, 2, r, H]
    before, after = model.lfd_project(picked[:, 0]), model.lfd_project(picked[:, 1])
    places, intermediate, scores = lowest(before, after, _kind(some[0]))
    logits[index] = fuse(logits[index], intermediate, alpha, weight)
    for one, place in zip(some, places.unbind(), strict=True):
        one.wish.place, one.wish.chosen_at = place, one.generated
    if any(one.wish.params.probe for one in some):
        works = _works(picked, scores).unbind()
        for one, work in zip(some, works, strict=True):
            _force(logits, one, work)


def _keep(logits: Tensor, states: Tensor, some: Sequence[Asking], model: Tapped) -> None:
    index, alpha, weight = _numbers(some, logits.device)
    for one in some:
        if one.wish.place is None and one.wish.params.layer is not None:
            place = nearest(one.wish.params.layer, model.lfd_layers)
            one.wish.place = torch.full((), place, device=logits.device)
    places = torch.stack([one.wish.place for one in some if one.wish.place is not None])
    intermediate = model.lfd_project(states[index, places, 1]).float().log_softmax(-1)
    logits[index] = fuse(logits[index], intermediate, alpha, weight)


def _works(picked: Tensor, scores: Tensor) -> Tensor:
    """Whether each row's states differ and its scores can be, [r]; scores alone may round to 0."""
    before, after = picked[:, 0].float(), picked[:, 1].float()  # [K, r, H]
    moved = (after - before).norm(dim=-1) > _MOVED * before.norm(dim=-1)
    below, above = _SLACK
    fits = scores.isfinite() & (scores >= -below) & (scores <= math.log(2) + above)
    return (moved & fits).all(0)


def _force(logits: Tensor, one: Asking, work: Tensor) -> None:
    """Make a probe's row say its first token if `work` is true, else its second."""
    probe = one.wish.params.probe
    if probe is None or max(probe) >= logits.shape[-1]:
        return
    said = torch.where(work, probe[0], probe[1]).view(1)
    logits[one.row].fill_(-math.inf)
    logits[one.row].scatter_(0, said, 0.0)


def _numbers(some: Sequence[Asking], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, alphas and weights, in one copy that nobody waits for."""
    told = [(one.row, one.wish.params.alpha, one.wish.params.weight) for one in some]
    here = torch.tensor(told, dtype=torch.float32).t().contiguous()
    if device.type == "cuda":
        here = here.pin_memory()
    index, alpha, weight = here.to(device, non_blocking=True)
    return index.long(), alpha, weight


def _kind(one: Asking) -> Any:
    return one.wish.params.divergence


def _chunks(asking: Sequence[Asking], size: int) -> Iterator[Sequence[Asking]]:
    for start in range(0, len(asking), size):
        yield asking[start : start + size]
