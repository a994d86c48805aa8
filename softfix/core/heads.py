"""Heads: from what an atom sees to its share of the correction's energy."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float, Int

from softfix.core.arrays import Array


class LinearHead(nn.Module):
    """e_i = w_{z_i} . phi_i, one weight vector for every species of the central atom (eV)."""

    species: int
    features: int

    @nn.compact
    def __call__(self, phi: Float[Array, "atoms features"], species: Int[Array, " atoms"]) -> Float[Array, " atoms"]:
        """Atomic energies in eV."""
        weights = self.param("weights", nn.initializers.zeros, (self.species, self.features))
        return jnp.sum(phi * weights[species], axis=1)
