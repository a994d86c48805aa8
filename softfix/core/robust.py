"""Straight lines and spreads that a few wild points do not move."""

from __future__ import annotations

import numpy as np

ROUNDS = 30


def least_absolute(design: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Coefficients (columns,) that make sum |y - design x| smallest, by reweighted least squares.

    >>> least_absolute(np.array([[1.0], [2.0], [2.0]]), np.array([2.0, 4.0, 99.0])).round(3).tolist()
    [2.0]
    """
    weight: np.ndarray = np.ones(len(y))
    floor = 1e-6 * float(np.abs(y).mean()) + 1e-300
    solution = np.zeros(design.shape[1])
    for _ in range(ROUNDS):
        solution = np.linalg.lstsq(design * weight[:, None], y * weight, rcond=1e-8)[0]
        weight = 1.0 / np.sqrt(np.maximum(np.abs(y - design @ solution), floor))
        weight /= weight.max()
    return solution


def explained(y: np.ndarray, residual: np.ndarray) -> float:
    """Share of sum |y| that a fit takes away; 0 where there is nothing to explain."""
    total = float(np.abs(y).sum())
    return 1.0 - float(np.abs(residual).sum()) / total if total > 0.0 else 0.0


def spread(values: np.ndarray) -> float:
    """Standard deviation of a normal distribution with the same median absolute deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if len(values) else 0.0
