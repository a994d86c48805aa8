"""Which frames of a pool to label: those that stand for it, or those that tell most beyond what is known.

The Gram matrix of a frame's rows, whitened by what is known of the weights, is what its labels tell (in units of the
noise). To begin with, frames are chosen so that their mean Gram matrix comes nearest to that of the pool: herding in
the kernel K_fg = |Z_f Z_g^T|^2 (Welling, ICML 2009, 1121, doi:10.1145/1553374.1553517). Frames of the largest
information (D-optimality; MacKay, Neural Computation 4, 590 (1992), doi:10.1162/neco.1992.4.4.590) are the strangest of
the pool, which a linear model explains worst; once much is known, they are what is missing.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from softfix.core.arrays import Array


def overlaps(whitened: Sequence[Float[Array, "rows columns"]]) -> Float[Array, "frames frames"]:
    """K_fg = sum of the squared inner products of the rows of two frames, per row of both.

    Args:
        whitened: of each frame, X root.T, where root.T @ root is the covariance of the weights.
    """
    per_row = [Z / np.sqrt(len(Z)) for Z in whitened]
    K = np.zeros((len(per_row), len(per_row)))
    for f, Z in enumerate(per_row):
        for g in range(f + 1):
            K[f, g] = K[g, f] = np.sum((Z @ per_row[g].T) ** 2)
    return K


def mismatch(K: Float[Array, "frames frames"], chosen: Sequence[int]) -> float:
    """Squared distance of the mean Gram matrix of the chosen frames from that of all, over the square of the latter."""
    pool = float(K.mean())
    if pool == 0.0:
        return 0.0
    return float(K[np.ix_(chosen, chosen)].mean() - 2.0 * K[list(chosen)].mean() + pool) / pool


def herd(K: Float[Array, "frames frames"], n: int) -> list[int]:
    """The n frames that one after another bring the mismatch lowest; the first of equals."""
    chosen: list[int] = []
    of_pool, diagonal, with_chosen = K.mean(axis=1), np.diag(K), np.zeros(len(K))
    for size in range(1, min(n, len(K)) + 1):
        loss = (2.0 * with_chosen + diagonal) / size**2 - 2.0 * of_pool / size
        loss[chosen] = np.inf
        chosen.append(int(np.argmin(loss)))
        with_chosen = with_chosen + K[chosen[-1]]
    return chosen


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


def most_informative(rows: Sequence[Float[Array, "rows columns"]], n: int) -> list[int]:
    """The n frames that one after another tell most, each given those before it; the first of equals.

    Args:
        rows: of each frame, in units of the noise, for weights whose covariance is the unit matrix.
    """
    root = np.eye(rows[0].shape[1])
    # Gains only fall as more is known, so that an old gain bounds the new one: most need not be computed again.
    queue = [(-information(X, root, 1.0), i) for i, X in enumerate(rows)]
    heapq.heapify(queue)
    chosen: list[int] = []
    while queue and len(chosen) < n:
        _, i = heapq.heappop(queue)
        gain = information(rows[i], root, 1.0)
        if queue and gain < -queue[0][0]:
            heapq.heappush(queue, (-gain, i))
            continue
        chosen.append(i)
        root = np.asarray(informed(rows[i], root, 1.0))
    return chosen
