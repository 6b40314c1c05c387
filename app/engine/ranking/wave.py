"""What the nodes of a plan want of a passage, as one more term of bridge selection.

Every node has passages of its own that fit it. A pick that fits a node no pick has served yet is
worth more; once served, the node asks for less. So one selection over the joint pool serves all
hops of a question, and no node's list replaces the ranking of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WaveOptions:
    """Weights, chosen on development questions."""

    weight: float = 0.6  # for hop answers that are guesses
    trusted: float = 2.0  # for answers that were read
    served: float = 2.0  # what a node asks less for each pick that served it
    serves: float = -2.5  # fit from which a pick serves a node


class Wave:
    """The term, over the course of one selection.

    Args:
        fits: (K, n) how well passage i fits node k: the anchor score of the node's best variant
            less its penalty, less the node's maximum; so 0 is the best, all else is negative.
    """

    def __init__(self, fits: Vector, weight: float, options: WaveOptions | None = None) -> None:
        self._fits, self._weight = fits, weight
        self._options = options or WaveOptions()
        self._served = np.zeros(len(fits))

    def term(self) -> Vector:
        """(n,) what each passage is worth to the plan now."""
        return np.asarray(self._weight * self._wanted().max(axis=0))

    def pick(self, row: int) -> None:
        """Passage `row` was picked."""
        wanted = self._wanted()[:, row]
        node = int(np.argmax(wanted))
        if wanted[node] > self._options.serves:
            self._served[node] += 1

    def _wanted(self) -> Vector:
        return np.asarray(self._fits - self._options.served * self._served[:, None])


def fits(variants: list[list[tuple[Vector, float]]]) -> Vector:
    """(K, n) from the anchor scores over the pool and the penalty of each node's variants."""
    rows = [np.max([scores - penalty for scores, penalty in node], axis=0) for node in variants]
    return np.array([row - row.max() for row in rows])
