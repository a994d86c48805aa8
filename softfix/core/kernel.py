"""Many-body functions: how like an atom's surroundings are to those of the anchors.

The kernel is that of smooth overlaps of atomic positions: a power of the scalar product of two normalised power
spectra, here of densities smeared over SMEARING. Features are phi = C^T k, k_m = (u.u_m)^POWER, with the whitening C of
the anchors, so that independent weights of one size stand for a Gaussian process with this kernel.

Source: Bartók et al., Phys. Rev. B 87, 184115 (2013), doi:10.1103/PhysRevB.87.184115.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from softfix.core.anchors import POWER
from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.overlaps import overlaps

SMEARING = 0.5  # Å, standard deviation of the density of a neighbour


def smear(basis: Basis, A: Float[Array, "*atoms a lm"]) -> Float[Array, "*atoms a lm"]:
    """Densities of neighbours that are Gaussians."""
    n = np.pi / basis.three_cutoff * np.arange(1, basis.many_count + 1)
    return A * np.tile(np.exp(-0.5 * (SMEARING * n) ** 2), basis.species)[:, None]


def spectrum(basis: Basis, A: Float[Array, "atoms a lm"]) -> Float[Array, "atoms descriptor"]:
    """Power spectra of smeared densities, pairs a < b weighted so that scalar products are those of full spectra."""
    a, b = np.triu_indices(A.shape[1])
    weight = np.where(a == b, 1.0, np.sqrt(2.0))
    return (weight * overlaps(basis, smear(basis, A))).reshape(len(A), -1)


def likeness(
    basis: Basis, A: Float[Array, "atoms a lm"], species: Int[Array, " atoms"]
) -> Float[Array, "atoms many_features"]:
    """Features of the many-body kernel; none without anchors."""
    anchors = basis.anchors
    if anchors is None:
        return jnp.zeros((len(A), 0))
    p = spectrum(basis, A)
    u = p / jnp.sqrt(jnp.sum(p**2, axis=1) + anchors.emptiness[species])[:, None]
    k = jnp.einsum("id,zmd->izm", u, anchors.spectra) ** POWER
    of_species = jax.nn.one_hot(species, basis.species, dtype=p.dtype)
    return jnp.einsum("iz,izm,zmf->if", of_species, k, anchors.whitening)


def slope(
    basis: Basis, spectra: Float[Array, "anchors descriptor"], emptiness: Float[Array, ""], A: Float[Array, "a lm"]
) -> tuple[Float[Array, " anchors"], Float[Array, "anchors a lm"]]:
    """k and dk/dA of one atom: products of matrices where differentiation would scatter."""
    p = spectrum(basis, A[None])[0]
    size = jnp.sqrt(p @ p + emptiness)
    u = p / size
    along = spectra @ u
    by_p = (POWER * along ** (POWER - 1) / size)[:, None] * (spectra - along[:, None] * u)
    count = len(A)
    a, b = np.triu_indices(count)
    place = np.zeros((count, count), dtype=np.int64)
    place[a, b] = place[b, a] = np.arange(len(a))
    whole = by_p.reshape(len(spectra), -1, len(a))[:, :, place] * np.where(np.eye(count) > 0.0, 2.0, np.sqrt(2.0))
    smeared = smear(basis, A)
    by_degree = [jnp.einsum("fab,bm->fam", whole[:, l], smeared[:, m]) for l, m in enumerate(basis.by_degree())]
    return along**POWER, smear(basis, jnp.concatenate(by_degree, axis=-1))
