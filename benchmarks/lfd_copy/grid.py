"""The ways of decoding that are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import get_args

from app.generation.lfd.layers import candidates
from app.generation.lfd.params import Divergence, LFDParams
from benchmarks.lfd_copy.model import LAYERS

ALPHAS = (0.02, 0.1, 0.5)
WEIGHTS = (0.5, 1.0, 2.0)
PLAIN = "plain"
DEFAULT = "jsd every 1, alpha 0.1, weight 1"


def _choices() -> Iterator[tuple[str, LFDParams]]:
    for kind in get_args(Divergence):
        for every in (1, 4, None):
            yield (
                f"{kind} {f'every {every}' if every else 'once'}",
                LFDParams(divergence=kind, every=every),
            )
    for layer in candidates(LAYERS):
        yield f"layer {layer}", LFDParams(layer=layer)


def _wishes() -> Iterator[tuple[str, LFDParams | None]]:
    yield PLAIN, None
    for (choice, wish), alpha, weight in product(_choices(), ALPHAS, WEIGHTS):
        yield (
            f"{choice}, alpha {alpha:g}, weight {weight:g}",
            replace(wish, alpha=alpha, weight=weight),
        )


WISHES: Mapping[str, LFDParams | None] = dict(_wishes())
