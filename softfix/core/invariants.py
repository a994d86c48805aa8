"""Atomic cluster expansion invariants: what an atom sees, unchanged by rotation, translation and exchange.

Source: Drautz, Phys. Rev. B 99, 014104 (2019), doi:10.1103/PhysRevB.99.014104; the power spectrum is that of
Bartók et al., Phys. Rev. B 87, 184115 (2013), doi:10.1103/PhysRevB.87.184115.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Float

from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.graph import Graph


def densities(
    basis: Basis, graph: Graph
) -> tuple[Float[Array, "atoms pair_features"], Float[Array, "atoms species_three lm"]]:
    """Neighbour densities of every atom: A_{s n} of the pair expansion and A_{(s n) lm} of the three-body one."""
    atoms = len(graph.species)
    pair, three = basis.edges(graph.r_ij)
    where = graph.source * basis.species + graph.species[graph.target]
    total = atoms * basis.species
    A_pair = jax.ops.segment_sum(pair, where, total).reshape(atoms, basis.pair_features)
    A_three = jax.ops.segment_sum(three, where, total)
    return A_pair, A_three.reshape(atoms, basis.species * basis.three_count, (basis.l_max + 1) ** 2)


def power_spectrum(basis: Basis, A: Float[Array, "atoms a lm"]) -> Float[Array, "atoms three_features"]:
    """p_{ab l} = sum_m A_{a lm} A_{b lm} for a <= b."""
    if not basis.three_count:
        return jnp.zeros((len(A), 0))
    a, b = basis.triangle
    full = jnp.stack([jnp.einsum("iam,ibm->iab", A[:, :, m], A[:, :, m]) for m in basis.by_degree()], axis=-1)
    return full[:, a, b, :].reshape(len(A), -1)


@partial(jax.jit, static_argnums=0)
def invariants(basis: Basis, graph: Graph) -> Float[Array, "atoms features"]:
    """phi_i of every atom: pair features, then the power spectrum."""
    A_pair, A_three = densities(basis, graph)
    return jnp.concatenate([A_pair, power_spectrum(basis, A_three)], axis=1)
