"""Bayesian linear regression in closed form."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, solve_triangular
from jaxtyping import Float

from softfix.core.arrays import Array
from softfix.core.statistics import Statistics


class Posterior(NamedTuple):
    """Normal distribution of the weights."""

    mean: Float[Array, " columns"]
    root: Float[Array, "columns columns"]  # covariance = root.T @ root


class Whitened(NamedTuple):
    """M = 1 + D G D, the posterior precision in units of the prior (D: prior standard deviations)."""

    cholesky: Float[Array, "columns columns"]  # lower
    rhs: Float[Array, " columns"]  # D h


def whiten(statistics: Statistics, prior_std: Float[Array, " columns"], noise: Float[Array, " kinds"]) -> Whitened:
    """Combine the kinds of label at their noise (standard deviation, in each label's unit)."""
    precision = 1.0 / noise**2
    gram = jnp.tensordot(precision, statistics.gram, axes=1) * prior_std[:, None] * prior_std[None, :]
    cholesky = jnp.linalg.cholesky(gram + jnp.eye(len(prior_std)))
    return Whitened(cholesky, prior_std * (precision @ statistics.rhs))


@jax.jit
def posterior(statistics: Statistics, prior_std: Float[Array, " columns"], noise: Float[Array, " kinds"]) -> Posterior:
    """Mean and covariance root of the weights w ~ N(0, prior_std^2) given y = X w + noise.

    Source: Bishop, Pattern Recognition and Machine Learning (2006), section 3.3.
    """
    system = whiten(statistics, prior_std, noise)
    mean = prior_std * cho_solve((system.cholesky, True), system.rhs)
    root = solve_triangular(system.cholesky, jnp.diag(prior_std), lower=True)
    return Posterior(mean, root)


@jax.jit
def log_evidence(
    statistics: Statistics, prior_std: Float[Array, " columns"], noise: Float[Array, " kinds"]
) -> Float[Array, ""]:
    """ln p(labels | prior, noise), weights integrated out, up to the constant -n/2 ln 2 pi."""
    system = whiten(statistics, prior_std, noise)
    explained = jnp.sum(solve_triangular(system.cholesky, system.rhs, lower=True) ** 2)
    log_det = 2.0 * jnp.sum(jnp.log(jnp.diag(system.cholesky)))
    misfit = jnp.sum(statistics.squares / noise**2) - explained
    return -0.5 * (misfit + log_det) - jnp.sum(statistics.counts * jnp.log(noise))
