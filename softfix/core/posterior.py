"""Bayesian linear regression in closed form.

LAPACK factors some thousand weights in a blink and needs no compiling, so nothing here is JAX.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs, dtrtri

from softfix.core.statistics import Statistics


class Normal(NamedTuple):
    """Normal equations: the labels of all kinds, each at its noise."""

    gram: Float[np.ndarray, "columns columns"]
    rhs: Float[np.ndarray, " columns"]

    def __sub__(self, other: Normal) -> Normal:
        """Normal equations without those labels."""
        return Normal(self.gram - other.gram, self.rhs - other.rhs)

    def given(self, column: int, value: float) -> Normal:
        """Those of the labels less what one column explains with a given weight."""
        return self._replace(rhs=self.rhs - value * self.gram[:, column])


class Posterior(NamedTuple):
    """Normal distribution of the weights."""

    mean: Float[np.ndarray, " columns"]
    cholesky: Float[np.ndarray, "columns columns"]  # lower factor of the precision in units of the prior
    prior_std: Float[np.ndarray, " columns"]

    @property
    def root(self) -> Float[np.ndarray, "columns columns"]:
        """Covariance = root.T @ root; made when it is asked for."""
        return dtrtri(self.cholesky, lower=1)[0] * self.prior_std


class Evidence(NamedTuple):
    """How likely the labels are, and the slopes of that."""

    value: float  # ln p(labels | prior, noise), up to the constant -n/2 ln 2 pi
    by_prior: Float[np.ndarray, " columns"]  # d/d(prior standard deviation)
    by_noise: Float[np.ndarray, " kinds"]


def at_noise(statistics: Statistics, noise: Float[np.ndarray, " kinds"]) -> Normal:
    """Combine the kinds of label at their noise (standard deviation, in each label's unit)."""
    precision = np.where(statistics.counts > 0, 1.0 / noise**2, 0.0)
    return Normal(np.tensordot(precision, statistics.gram, 1), precision @ statistics.rhs)


def posterior(normal: Normal, prior_std: Float[np.ndarray, " columns"]) -> Posterior:
    """Weights w ~ N(0, prior_std^2) given y = X w + noise; nan where the labels are not finite.

    Source: Bishop, Pattern Recognition and Machine Learning (2006), section 3.3.
    """
    cholesky = _cholesky(normal, prior_std)
    return Posterior(prior_std * dpotrs(cholesky, prior_std * normal.rhs, lower=1)[0], cholesky, prior_std)


def log_evidence(
    statistics: Statistics, prior_std: Float[np.ndarray, " columns"], noise: Float[np.ndarray, " kinds"]
) -> Evidence:
    """ln p(labels | prior, noise), weights integrated out, with its slopes in closed form.

    With M = 1 + D G D = L L^T, u = M^-1 D h and w = D u: d/dln(d_c) = u_c^2 - 1 + (M^-1)_cc, and
    d/dln(sigma_k) = (squares - 2 w.h_k + w.G_k w + tr(D M^-1 D G_k)) / sigma_k^2 - counts_k.
    """
    normal = at_noise(statistics, noise)
    w, cholesky, _ = posterior(normal, prior_std)
    u = w / prior_std
    log_det = 2.0 * np.sum(np.log(np.diag(cholesky)))
    misfit = np.sum(statistics.squares / noise**2) - normal.rhs @ w
    value = -0.5 * (misfit + log_det) - np.sum(statistics.counts * np.log(noise))

    inverse = dpotri(cholesky, lower=1, overwrite_c=1)[0].T  # its half; beyond the diagonal stands nothing
    diagonal = np.diag(inverse).copy()
    inverse *= prior_std[:, None]
    inverse *= prior_std
    left = statistics.squares - 2.0 * statistics.rhs @ w
    for k in np.flatnonzero(statistics.counts):
        gram = statistics.gram[k]
        left[k] += w @ gram @ w + 2.0 * np.vdot(gram, inverse) - np.diag(gram) @ (diagonal * prior_std**2)
    return Evidence(float(value), (u**2 - 1.0 + diagonal) / prior_std, (left / noise**2 - statistics.counts) / noise)


def _cholesky(normal: Normal, prior_std: Float[np.ndarray, " columns"]) -> Float[np.ndarray, "columns columns"]:
    """Lower factor of M = 1 + D G D, the posterior precision in units of the prior (D: prior standard deviations)."""
    precision = prior_std[:, None] * normal.gram * prior_std
    precision[np.diag_indices_from(precision)] += 1.0
    factor, failed = dpotrf(precision.T, lower=1, clean=1, overwrite_a=1)  # symmetric: .T spares LAPACK a copy
    return factor if not failed else np.full_like(factor, np.nan)
