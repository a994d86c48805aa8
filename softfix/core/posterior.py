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


@jax.custom_vjp
def log_evidence(
    statistics: Statistics, prior_std: Float[Array, " columns"], noise: Float[Array, " kinds"]
) -> Float[Array, ""]:
    """ln p(labels | prior, noise), weights integrated out, up to the constant -n/2 ln 2 pi."""
    return _evidence_of(whiten(statistics, prior_std, noise), statistics, noise)[0]


def _evidence_of(system: Whitened, statistics: Statistics, noise: Array) -> tuple[Array, Array]:
    explained = solve_triangular(system.cholesky, system.rhs, lower=True)
    log_det = 2.0 * jnp.sum(jnp.log(jnp.diag(system.cholesky)))
    misfit = jnp.sum(statistics.squares / noise**2) - jnp.sum(explained**2)
    return -0.5 * (misfit + log_det) - jnp.sum(statistics.counts * jnp.log(noise)), explained


def _evidence_forward(statistics: Statistics, prior_std: Array, noise: Array) -> tuple[Array, tuple]:
    """The value, and its slopes in closed form: half the time of differentiating the Cholesky factor.

    With M = 1 + D G D = L L^T, u = M^-1 D h and w = D u: d/dln(d_c) = u_c^2 - 1 + (M^-1)_cc, and
    d/dln(sigma_k) = (squares - 2 w.h_k + w.G_k w + tr(D M^-1 D G_k)) / sigma_k^2 - counts_k.
    """
    system = whiten(statistics, prior_std, noise)
    value, explained = _evidence_of(system, statistics, noise)
    root = solve_triangular(system.cholesky, jnp.eye(len(prior_std)), lower=True)
    inverse = root.T @ root
    u = root.T @ explained
    w = prior_std * u
    second = w[:, None] * w[None, :] + prior_std[:, None] * inverse * prior_std[None, :]  # <w w^T>
    misfit = statistics.squares - 2.0 * statistics.rhs @ w + jnp.tensordot(statistics.gram, second, axes=2)
    return value, ((u**2 - 1.0 + jnp.diag(inverse)) / prior_std, (misfit / noise**2 - statistics.counts) / noise)


def _evidence_backward(slopes: tuple, seed: Array) -> tuple:
    return None, seed * slopes[0], seed * slopes[1]


log_evidence.defvjp(_evidence_forward, _evidence_backward)
