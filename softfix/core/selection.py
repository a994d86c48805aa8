"""What a frame would tell: D-optimal choice, the largest fall in the entropy of the weights.

Source: MacKay, Neural Computation 4, 590 (1992), doi:10.1162/neco.1992.4.4.590.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from softfix.core.arrays import Array


def information(rows: Float[Array, "rows columns"], root: Float[Array, "known columns"], noise: float) -> float:
    """Nats that labels y = X w + noise would tell of weights with covariance root.T @ root: 1/2 ln det(1 + Z Z^T).

    Args:
        rows: X, of one frame.
        root: of the covariance of the weights.
        noise: standard deviation of the labels, in their unit.
    """
    Z = rows @ root.T / noise
    small = Z @ Z.T if len(Z) <= Z.shape[1] else Z.T @ Z
    return float(0.5 * np.linalg.slogdet(small + np.eye(len(small)))[1])


def informed(
    rows: Float[Array, "rows columns"], root: Float[Array, "known columns"], noise: float
) -> Float[Array, "known columns"]:
    """Root of the covariance of the weights once those labels are known."""
    Z = rows @ root.T / noise
    cholesky = np.linalg.cholesky(Z.T @ Z + np.eye(Z.shape[1]))
    return np.linalg.solve(cholesky, root)
