"""Sufficient statistics of a linear model: they add over frames, so memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Mapping
from operator import add, sub
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

KINDS = ("energy", "forces", "stress", "trust")  # order of the first axis below; trust: the base's own stress


class Statistics(NamedTuple):
    """Gram matrices and right-hand sides per kind of label, each row weighted, in the units of that label."""

    gram: Float[np.ndarray, "kinds columns columns"]
    rhs: Float[np.ndarray, "kinds columns"]
    squares: Float[np.ndarray, " kinds"]  # y.y
    counts: Float[np.ndarray, " kinds"]  # number of rows

    def __add__(self, other: Statistics) -> Statistics:  # type: ignore[override]
        """Statistics of both sets of frames together."""
        return Statistics(*map(add, self, other))

    def __sub__(self, other: Statistics) -> Statistics:
        """Statistics without those frames."""
        return Statistics(*map(sub, self, other))


def empty(columns: int) -> Statistics:
    """Statistics of no frames."""
    n = len(KINDS)
    return Statistics(np.zeros((n, columns, columns)), np.zeros((n, columns)), np.zeros(n), np.zeros(n))


def squared_error(statistics: Statistics, weights: Float[np.ndarray, " columns"], kind: int) -> float:
    """Weighted sum of squared errors (y - X w)^2 of one kind of label."""
    explained = 2.0 * weights @ statistics.rhs[kind] - weights @ statistics.gram[kind] @ weights
    return float(statistics.squares[kind] - explained)


class Labelled(NamedTuple):
    """Rows of one kind of label."""

    X: Float[np.ndarray, "rows columns"]
    y: Float[np.ndarray, " rows"]
    weight: Float[np.ndarray, " rows"]


def of_rows(parts: Mapping[str, Labelled]) -> Statistics:
    """Statistics of the rows of each of KINDS; a kind that is missing has no rows."""
    columns = next(iter(parts.values())).X.shape[1]
    none = Labelled(np.zeros((0, columns)), np.zeros(0), np.zeros(0))

    def of_kind(rows: Labelled) -> tuple:
        weighted = (rows.X * rows.weight[:, None]).T
        return weighted @ rows.X, weighted @ rows.y, rows.weight @ rows.y**2, len(rows.y)

    gram, rhs, squares, counts = zip(*(of_kind(parts.get(kind, none)) for kind in KINDS), strict=True)
    return Statistics(np.stack(gram), np.stack(rhs), np.stack(squares), np.array(counts, float))
