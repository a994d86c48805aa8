"""Scalar products of neighbour densities, degree by degree: what is left of them when orientation is forgotten."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from softfix.core.arrays import Array
from softfix.core.basis import Basis


def overlaps(basis: Basis, A: Float[Array, "atoms a lm"]) -> Float[Array, "atoms degrees pairs"]:
    """p_{l ab} = sum_m A_{a lm} A_{b lm} for a <= b."""
    a, b = np.triu_indices(A.shape[1])
    return jnp.stack([jnp.einsum("iam,ibm->iab", A[:, :, m], A[:, :, m])[:, a, b] for m in basis.by_degree()], axis=1)
