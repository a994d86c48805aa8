"""Bayesian linear regression in closed form.

LAPACK factors some thousand weights in a blink and needs no compiling, so nothing here is JAX.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
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

    def traces(self, gram: Float[np.ndarray, "kinds columns columns"]) -> Float[np.ndarray, " kinds"]:
        """Traces of the covariance times Gram matrices: what the labels of their rows vary by, all together."""
        half = _half_inverse(self.cholesky.copy(order="F"))
        return 2.0 * np.tensordot(gram, self.prior_std[:, None] * half * self.prior_std, 2)


class Evidence(NamedTuple):
    """How likely the labels are."""

    value: float  # ln p(labels | prior, noise), up to the constant -n/2 ln 2 pi
    posterior: Posterior


class Slopes(NamedTuple):
    """Of the evidence, by ln(prior std) of each group of columns, then by ln(noise) of each kind of label."""

    slope: Float[np.ndarray, " groups+kinds"]
    information: Float[np.ndarray, "groups+kinds groups+kinds"]  # minus second derivatives, as `slopes` says


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
    """ln p(labels | prior, noise), weights integrated out; its slopes cost three times as much and are made apart."""
    normal = at_noise(statistics, noise)
    found = posterior(normal, prior_std)
    log_det = 2.0 * np.sum(np.log(np.diag(found.cholesky)))
    misfit = np.sum(statistics.squares / noise**2) - normal.rhs @ found.mean
    return Evidence(float(-0.5 * (misfit + log_det) - np.sum(statistics.counts * np.log(noise))), found)


def slopes(
    statistics: Statistics,
    found: Posterior,
    noise: Float[np.ndarray, " kinds"],
    members: Bool[np.ndarray, "groups columns"],
) -> Slopes:
    """Slopes and curvature of the evidence where the posterior is `found`, in closed form.

    With C = (1 + D G D)^-1, u = C D h (the weights in units of the prior, D), r the residuals, p_k = 1 / sigma_k^2 and
    z_k = p_k D (h_k - G_k w), the slopes are u_g.u_g - tr(1 - C)_gg by the prior of a group g and
    p_k (r_k.r_k + tr(D C D G_k)) - counts_k by the noise of a kind k. Second derivatives by priors are exact; others,
    2 u_g.C z_k and 2 (p_k r_k.r_k - z_k.C z_k), are the average of the observed and the expected ones: no more products
    of matrices are needed.

    Source: average information, Gilmour, Thompson and Cullis, Biometrics 51, 1440 (1995), doi:10.2307/2533274.
    """
    w, cholesky, prior_std = found
    half = _half_inverse(cholesky.copy(order="F"))
    diagonal = 2.0 * np.diag(half)
    u, kept = members * (w / prior_std), members @ diagonal
    z, residual, doubt = np.zeros_like(statistics.rhs), np.zeros_like(noise), np.zeros_like(noise)
    covariance = prior_std[:, None] * half * prior_std  # half of it, too
    for k in np.flatnonzero(statistics.counts):
        explained = statistics.gram[k] @ w
        z[k] = prior_std * (statistics.rhs[k] - explained) / noise[k] ** 2
        residual[k] = (statistics.squares[k] - (2.0 * statistics.rhs[k] - explained) @ w) / noise[k] ** 2
        doubt[k] = 2.0 * np.vdot(statistics.gram[k], covariance) / noise[k] ** 2
    slope = np.concatenate([np.sum(u**2, axis=1) - members.sum(axis=1) + kept, residual + doubt - statistics.counts])

    seen = np.concatenate([u, z])
    groups = len(members)
    information = 2.0 * _with_transpose(seen @ half @ seen.T)
    squares = _with_transpose(members @ half**2 @ members.T) + np.diag(members @ (0.5 * diagonal**2))
    information[:groups, :groups] *= -2.0
    information[:groups, :groups] += 2.0 * (np.diag(np.sum(u**2, axis=1) + kept) - squares)
    information[groups:, groups:] = 2.0 * np.diag(residual) - information[groups:, groups:]
    return Slopes(slope, information)


def _half_inverse(cholesky: Float[np.ndarray, "columns columns"]) -> Float[np.ndarray, "columns columns"]:
    """H, lower triangular, with H + H^T the inverse of L L^T; overwrites L."""
    half = dpotri(cholesky, lower=1, overwrite_c=1)[0]
    half[np.diag_indices_from(half)] *= 0.5
    return half


def _with_transpose(matrix: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    return matrix + matrix.T


def _cholesky(normal: Normal, prior_std: Float[np.ndarray, " columns"]) -> Float[np.ndarray, "columns columns"]:
    """Lower factor of M = 1 + D G D, the posterior precision in units of the prior (D: prior standard deviations)."""
    precision = prior_std[:, None] * normal.gram * prior_std
    precision[np.diag_indices_from(precision)] += 1.0
    factor, failed = dpotrf(precision.T, lower=1, clean=1, overwrite_a=1)  # symmetric: .T spares LAPACK a copy
    return factor if not failed else np.full_like(factor, np.nan)
