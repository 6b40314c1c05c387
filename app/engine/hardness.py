"""The question gate: the probability that a question takes several hops, read off its wording.

A logistic score over counts of words. Half of what such a score learns is the house style of its
sets, so capitals weigh little (the sets were read in lower case, too) and no sign of a hop may
count against one. A linear read of the question's vector beside it gains two to three points of AUC
(`python -m benchmarks.gate` measures both), but holds for one encoder only, and the gate would wait
for the vector. The weights stand in `hardness_weights.py`, with what they were fitted on; the same
command fits others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from app.engine import hardness_weights as fitted
from app.engine.plan.features import Surface, surface

_MOST = 3
"""A fourth sign of a kind says no more than a third."""


@dataclass(frozen=True, slots=True)
class Hardness:
    """The probability and what it was made of; goes into the trace."""

    probability: float
    features: Mapping[str, float]


def hardness(question: str) -> Hardness:
    """Judge the wording. Any text will do; nothing said is not hard."""
    counts = surface(question)
    if not counts.words:
        return Hardness(0.0, {"words": 0.0})
    seen = features(counts)
    score = fitted.CONSTANT + math.fsum(w * seen[name] for name, w in fitted.WEIGHTS.items())
    traced = {name: float(value) for name, value in asdict(counts).items()}
    return Hardness(1 / (1 + math.exp(-score)), {**traced, "depth": counts.depth})


def features(counts: Surface) -> dict[str, float]:
    """The counts as the logistic score reads them."""
    return {
        "log_words": math.log(1 + counts.words),
        "of": float(min(counts.of, _MOST)),
        "possessives": float(min(counts.possessives, _MOST)),
        "relatives": float(min(counts.relatives, _MOST)),
        "relations": float(min(counts.relations, _MOST)),
        "names": float(min(counts.names, _MOST)),
        "cased": float(counts.cased),
        "choice": float(counts.choice),
        "both": float(counts.both),
        "compared": float(counts.compared),
    }
