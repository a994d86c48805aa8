"""Sufficient statistics of a linear model: they add over frames, so memory does not grow with their number."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from softfix.core.arrays import Array

KINDS = ("energy", "forces", "stress")  # order of the first axis below


class Statistics(NamedTuple):
    """Gram matrices and right-hand sides per kind of label, each row weighted, in the units of that label."""

    gram: Float[Array, "3 columns columns"]
    rhs: Float[Array, "3 columns"]
    squares: Float[Array, 3]  # y.y
    counts: Float[Array, 3]  # number of rows

    def __add__(self, other: Statistics) -> Statistics:  # type: ignore[override]
        """Statistics of both sets of frames together."""
        return jax.tree.map(jnp.add, self, other)


def empty(columns: int) -> Statistics:
    """Statistics of no frames."""
    return Statistics(jnp.zeros((3, columns, columns)), jnp.zeros((3, columns)), jnp.zeros(3), jnp.zeros(3))


@jax.jit
def of_rows(
    X: Float[Array, "rows columns"],
    y: Float[Array, " rows"],
    weight: Float[Array, " rows"],
    kind: Float[Array, "3 rows"],
) -> Statistics:
    """Statistics of one frame's rows; `kind` marks with 1 which kind of label a row has, all 0 where it is padding."""

    def of_kind(mark: Float[Array, " rows"]) -> Statistics:
        Xw = X * (mark * weight)[:, None]
        return Statistics(Xw.T @ X, Xw.T @ y, jnp.sum(mark * weight * y**2), jnp.sum(mark))

    return jax.lax.map(of_kind, kind)
