"""Regularised logistic regression and the area under the curve, for the fits of this folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import rankdata

Array = npt.NDArray[np.float64]
FREE: tuple[float | None, float | None] = (None, None)
RISING: tuple[float | None, float | None] = (0.0, None)


def fit(
    rows: Array,
    labels: Array,
    weights: Array,
    ridge: Array,
    bounds: Sequence[tuple[float | None, float | None]] | None = None,
) -> Array:
    """Coefficients that minimise the weighted log loss plus half the ridge times their squares.

    Args:
        rows: (n, d); a constant is a column of ones with a ridge of 0.
        labels: (n,) 0 or 1.
        ridge: (d,)
        bounds: Lowest and highest value of each coefficient.
    """
    signs = 2 * labels - 1

    def loss(at: Array) -> tuple[float, Array]:
        margin = signs * (rows @ at)
        pull = weights * signs * np.exp(-np.logaddexp(0, margin))
        value = weights @ np.logaddexp(0, -margin) + 0.5 * ridge @ at**2
        return float(value), ridge * at - rows.T @ pull

    start = np.zeros(rows.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x)


def standardised(rows: Array) -> tuple[Array, Array, Array]:
    """Rows of mean 0 and deviation 1, and the means and deviations."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    return (rows - mean) / deviation, mean, deviation


def auc(positive: Array, negative: Array) -> float:
    """Chance that a positive scores above a negative; ties count half."""
    ranks = rankdata(np.concatenate([positive, negative]))
    count = len(positive)
    return float((ranks[:count].sum() - count * (count + 1) / 2) / (count * len(negative)))
