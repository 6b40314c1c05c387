"""Personalised PageRank over a graph whose edges join passages to entities only. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Links:
    """Weighted edges, passages as rows and entities as columns.

    Sums run in the order of rows and of the entries within a row, which therefore must not depend
    on the order of arrival: rows ascend by chunk key, a row's entries by entity key.
    """

    weights: csr_matrix  # (passages, entities) float64
    passage_mass: Vector = field(init=False)  # sum of a passage's weights, 1 where it has none
    entity_mass: Vector = field(init=False)
    _columns: Any = field(init=False, repr=False)  # the same entries, seen from the entities

    def __post_init__(self) -> None:
        count, entities = self.weights.shape
        data, columns = self.weights.data, self.weights.indices
        owner = np.repeat(np.arange(count), np.diff(self.weights.indptr))
        # bincount adds one after the other; numpy's own sums pair values up by memory layout.
        object.__setattr__(self, "passage_mass", _mass(owner, data, count))
        object.__setattr__(self, "entity_mass", _mass(columns, data, entities))
        object.__setattr__(self, "_columns", self.weights.T)

    def to_passages(self, entities: Vector) -> Vector:
        """Mass that flows from entities to the passages that mention them."""
        return np.asarray(self.weights @ (entities / self.entity_mass))

    def to_entities(self, passages: Vector) -> Vector:
        """Mass that flows from passages to the entities they mention."""
        return np.asarray(self._columns @ (passages / self.passage_mass))


def walk(
    links: Links, passages: Vector, entities: Vector, onward: float = 0.8, steps: int = 10
) -> Vector:
    """How often each passage is visited by a walk that keeps restarting: (passages,).

        p = onward · Pᵀp + (1 - onward) · r,  `steps` times from p = r

    A fixed number of steps, no tolerance: the same index gives the same bits. Isolated nodes keep
    their restart share only; what they lose is not returned, which changes no order.

    Edges join the two sides only, so after an even number of steps the passages depend on the
    passages after even and the entities after odd numbers: the other half is not computed.

    Args:
        passages: Restart mass of passages; together with `entities` it sums to 1.
        steps: Even.
    """
    back = 1 - onward
    at = passages
    for _ in range(steps // 2):
        between = back * entities + onward * links.to_entities(at)
        at = back * passages + onward * links.to_passages(between)
    return at


def _mass(owner: npt.NDArray[np.int64], weights: Vector, count: int) -> Vector:
    mass = np.bincount(owner, weights, count)
    return np.where(mass == 0, 1.0, mass)
