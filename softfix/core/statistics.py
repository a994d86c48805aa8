"""Sufficient statistics of a linear model: they add over frames, so memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Mapping
from operator import add, sub
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from softfix.core.arrays import Array

KINDS = ("energy", "forces", "stress", "trust")  # order of the first axis below; trust: the base's own stress


class Statistics(NamedTuple):
    """Gram matrices and right-hand sides per kind of label, each row weighted, in the units of that label."""

    gram: Float[Array, "kinds columns columns"]
    rhs: Float[Array, "kinds columns"]
    squares: Float[Array, " kinds"]  # y.y
    counts: Float[Array, " kinds"]  # number of rows

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


def given(statistics: Statistics, column: int, value: float) -> Statistics:
    """Statistics of the labels less what one column explains with a given weight."""
    gram, rhs = statistics.gram[:, :, column], statistics.rhs
    squares = statistics.squares - 2.0 * value * rhs[:, column] + value**2 * gram[:, column]
    return statistics._replace(rhs=rhs - value * gram, squares=squares)


def squared_error(statistics: Statistics, weights: Float[Array, " columns"], kind: int) -> float:
    """Weighted sum of squared errors (y - X w)^2 of one kind of label."""
    explained = 2.0 * weights @ statistics.rhs[kind] - weights @ statistics.gram[kind] @ weights
    return float(statistics.squares[kind] - explained)


class Labelled(NamedTuple):
    """Rows of one kind of label."""

    X: Float[Array, "rows columns"]
    y: Float[Array, " rows"]
    weight: Float[Array, " rows"]


def of_rows(parts: Mapping[str, Labelled]) -> Statistics:
    """Statistics of the rows of each of KINDS; a kind that is missing has no rows."""
    columns = next(iter(parts.values())).X.shape[1]
    none = Labelled(np.zeros((0, columns)), np.zeros(0), np.zeros(0))

    def of_kind(rows: Labelled) -> tuple:
        weighted = (rows.X * rows.weight[:, None]).T
        return weighted @ rows.X, weighted @ rows.y, rows.weight @ rows.y**2, len(rows.y)

    gram, rhs, squares, counts = zip(*(of_kind(parts.get(kind, none)) for kind in KINDS), strict=True)
    return Statistics(np.stack(gram), np.stack(rhs), np.stack(squares), np.array(counts, float))
