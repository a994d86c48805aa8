"""Real spherical harmonics up to l = 3 as polynomials of a unit vector."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from softfix.core.arrays import Array

MAX_L = 3


def harmonics(u: Float[Array, "3 ..."], l_max: int) -> Float[Array, "lm ..."]:
    """Y_lm(u) in Racah's normalisation: sum over m of Y_lm(u) Y_lm(v) = P_l(u.v), Legendre's polynomial.

    Raises:
        ValueError: for l_max above 3.
    """
    if not 0 <= l_max <= MAX_L:
        raise ValueError(f"l_max must be 0 to {MAX_L}, not {l_max}")
    x, y, z = u[0], u[1], u[2]
    by_degree = [
        [jnp.ones_like(x)],
        [x, y, z],
        [
            np.sqrt(3) * x * y,
            np.sqrt(3) * y * z,
            0.5 * (3 * z**2 - 1),
            np.sqrt(3) * x * z,
            np.sqrt(3) / 2 * (x**2 - y**2),
        ],
        [
            np.sqrt(5 / 8) * y * (3 * x**2 - y**2),
            np.sqrt(15) * x * y * z,
            np.sqrt(3 / 8) * y * (5 * z**2 - 1),
            0.5 * z * (5 * z**2 - 3),
            np.sqrt(3 / 8) * x * (5 * z**2 - 1),
            np.sqrt(15) / 2 * z * (x**2 - y**2),
            np.sqrt(5 / 8) * x * (x**2 - 3 * y**2),
        ],
    ]
    return jnp.stack([value for degree in by_degree[: l_max + 1] for value in degree])


def degree_of(l_max: int) -> np.ndarray:
    """l of each entry of `harmonics`: 0, 1 1 1, 2 2 2 2 2, ..."""
    return np.repeat(np.arange(l_max + 1), 2 * np.arange(l_max + 1) + 1)
