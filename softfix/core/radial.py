"""Radial functions: spherical Bessel functions of order 0 under a smooth envelope."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Float

from softfix.core.arrays import Array


def envelope(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Polynomial cutoff 1 - 28 x^6 + 48 x^7 - 21 x^8 of x = r/r_c: two continuous derivatives at 1, zero beyond.

    Source: Gasteiger et al., doi:10.48550/arXiv.2003.03123 (p = 6).
    """
    inside = 1.0 - 28.0 * x**6 + 48.0 * x**7 - 21.0 * x**8
    return jnp.where(x < 1.0, inside, 0.0)


def bessel(r: Float[Array, "..."], cutoff: float, count: int) -> Float[Array, "... n"]:
    """R_n(r) = sin(n pi r / r_c) / r, n = 1..count, under the envelope; r in Å, dimensionless after times 1 Å.

    One sine and one cosine give all: sin((n + 1) t) = 2 cos(t) sin(n t) - sin((n - 1) t).
    """
    x = r / cutoff
    twice_cosine = 2.0 * jnp.cos(jnp.pi * x)
    sines = [jnp.zeros_like(x), jnp.sin(jnp.pi * x)]
    while len(sines) <= count:
        sines.append(twice_cosine * sines[-1] - sines[-2])
    return jnp.stack(sines, axis=-1)[..., 1 : count + 1] * (envelope(x) / r)[..., None]
