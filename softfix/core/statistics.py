"""Sufficient statistics of a linear model: they add over frames, so memory does not grow with their number."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
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
        return jax.tree.map(jnp.add, self, other)


def empty(columns: int) -> Statistics:
    """Statistics of no frames."""
    n = len(KINDS)
    return Statistics(jnp.zeros((n, columns, columns)), jnp.zeros((n, columns)), jnp.zeros(n), jnp.zeros(n))


def given(statistics: Statistics, column: int, value: float) -> Statistics:
    """Statistics of the labels less what one column explains with a given weight."""
    gram, rhs = statistics.gram[:, :, column], statistics.rhs
    squares = statistics.squares - 2.0 * value * rhs[:, column] + value**2 * gram[:, column]
    return statistics._replace(rhs=rhs - value * gram, squares=squares)


def squared_error(statistics: Statistics, weights: Float[Array, " columns"], kind: int) -> float:
    """Weighted sum of squared errors (y - X w)^2 of one kind of label."""
    explained = 2.0 * weights @ statistics.rhs[kind] - weights @ statistics.gram[kind] @ weights
    return float(statistics.squares[kind] - explained)


@jax.jit
def of_rows(
    X: Float[Array, "rows columns"],
    y: Float[Array, " rows"],
    weight: Float[Array, " rows"],
    kind: Float[Array, "kinds rows"],
) -> Statistics:
    """Statistics of one frame's rows; `kind` marks with 1 which kind of label a row has, all 0 where it is padding."""

    def of_kind(mark: Float[Array, " rows"]) -> Statistics:
        Xw = X * (mark * weight)[:, None]
        return Statistics(Xw.T @ X, Xw.T @ y, jnp.sum(mark * weight * y**2), jnp.sum(mark))

    return jax.lax.map(of_kind, kind)
