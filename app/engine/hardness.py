"""The question gate: the probability that a question takes several hops, read off its wording.

A logistic score over counts of words; where the question's vector is at hand, also a linear read of
it. Half of what such a score learns is the house style of its sets, so capitals weigh little (the
sets were read in lower case, too) and no sign of a hop may count against one. The weights stand in
`hardness_weights.py`, with what they were fitted on; `python -m benchmarks.gate` fits others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from app.engine import hardness_weights as fitted
from app.engine.plan.features import Surface, surface

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MOST = 3
"""A fourth sign of a kind says no more than a third."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights of the features, and of a vector's dimensions if it is read."""

    constant: float
    weights: Mapping[str, float]
    vector: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class HardnessOptions:
    """Weights of both readings, and where the default cut lies."""

    surface: Linear = field(
        default_factory=lambda: Linear(fitted.SURFACE_CONSTANT, fitted.SURFACE_WEIGHTS)
    )
    with_vector: Linear = field(
        default_factory=lambda: Linear(fitted.CONSTANT, fitted.WEIGHTS, fitted.VECTOR)
    )
    threshold: float = 0.5
    """From this probability a question is called hard."""


@dataclass(frozen=True, slots=True)
class Hardness:
    """The probability, the cut, and what it was made of; goes into the trace."""

    probability: float
    features: Mapping[str, float] = field(default_factory=dict)
    threshold: float = 0.5

    @property
    def hard(self) -> bool:
        """Whether a plan may be worth its cost."""
        return self.probability >= self.threshold


def hardness(
    question: str,
    vector: npt.NDArray[np.floating] | None = None,
    options: HardnessOptions | None = None,
) -> Hardness:
    """Judge the wording. Any text will do; nothing said is not hard.

    Args:
        vector: (384,) the question's unit vector by all-MiniLM-L6-v2. None for any other encoder's,
            whose dimensions mean something else; then the words alone decide.
    """
    options = options or HardnessOptions()
    counts = surface(question)
    seen = features(counts)
    if not counts.words:
        return Hardness(0.0, {"words": 0.0}, options.threshold)
    linear = options.surface if vector is None else options.with_vector
    score = linear.constant + math.fsum(w * seen[name] for name, w in linear.weights.items())
    if vector is not None:
        score += math.fsum(w * v for w, v in zip(linear.vector, vector.tolist(), strict=True))
    probability = 1 / (1 + math.exp(-max(-50.0, min(50.0, score))))
    traced = {name: float(value) for name, value in asdict(counts).items()}
    return Hardness(round(probability, 6), {**traced, "depth": counts.depth}, options.threshold)


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
