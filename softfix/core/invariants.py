"""Atomic cluster expansion invariants: what an atom sees, unchanged by rotation, translation and exchange.

Source: Drautz, Phys. Rev. B 99, 014104 (2019), doi:10.1103/PhysRevB.99.014104; the power spectrum is that of
Bartók et al., Phys. Rev. B 87, 184115 (2013), doi:10.1103/PhysRevB.87.184115.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from softfix.core.angular import harmonics
from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.compiling import compiled
from softfix.core.graph import Neighbours
from softfix.core.kernel import likeness, spectrum
from softfix.core.overlaps import overlaps
from softfix.core.radial import bessel


class Surroundings(NamedTuple):
    """Bonds of some atoms, and what stands at their other ends: all that the invariants of these atoms depend on."""

    species: Int[Array, " atoms"]
    others: Int[Array, "atoms bonds"]  # species of the other ends
    r_ij: Float[Array, "atoms bonds 3"]  # Å


def surroundings_of(near: Neighbours) -> Surroundings:
    """Those of all atoms of a structure."""
    return Surroundings(near.species, near.species[near.other], near.r_ij)


class Densities(NamedTuple):
    """Neighbour densities: A_{s n} of the pair expansion, A_{(s n) lm} of the three-body and many-body ones."""

    pair: Float[Array, "atoms pair_features"]
    three: Float[Array, "atoms a lm"]
    many: Float[Array, "atoms b lm"]


def densities(basis: Basis, around: Surroundings) -> Densities:
    """Neighbour densities. They are products of matrices: no bond's R_n Y_lm is ever written out."""
    atoms = len(around.species)
    r = jnp.sqrt(jnp.sum(around.r_ij**2, axis=-1))
    of_species = jax.nn.one_hot(around.others, basis.species, dtype=r.dtype)
    pair = bessel(r, basis.pair_cutoff, basis.pair_count)
    A_pair = jnp.einsum("ims,imn->isn", of_species, pair).reshape(atoms, basis.pair_features)
    radial = bessel(r, basis.three_cutoff, basis.radial_count)
    radial = (of_species[..., :, None] * radial[..., None, :]).reshape(*r.shape, -1)
    Y = harmonics(jnp.moveaxis(around.r_ij / r[..., None], -1, 0), basis.l_max)
    A = jnp.einsum("ima,kim->iak", radial, Y).reshape(atoms, basis.species, basis.radial_count, len(Y))
    three, many = (A[:, :, :n].reshape(atoms, -1, len(Y)) for n in (basis.three_count, basis.many_count))
    return Densities(A_pair, three, many)


def power_spectrum(basis: Basis, A: Float[Array, "atoms a lm"]) -> Float[Array, "atoms three_features"]:
    """p_{ab l} of `softfix.core.overlaps`, the degrees of a pair side by side."""
    return jnp.moveaxis(overlaps(basis, A), 1, 2).reshape(len(A), basis.three_features)


def of_densities(basis: Basis, A: Densities, species: Int[Array, " atoms"]) -> Float[Array, "atoms features"]:
    """phi_i of these atoms: pair features, the power spectrum, then likeness to the anchors."""
    return jnp.concatenate([A.pair, power_spectrum(basis, A.three), likeness(basis, A.many, species)], axis=1)


def invariants(basis: Basis, around: Surroundings) -> Float[Array, "atoms features"]:
    """phi_i of these atoms."""
    return of_densities(basis, densities(basis, around), around.species)


@compiled
def features_of(basis: Basis, near: Neighbours) -> Float[Array, "atoms features"]:
    """phi_i of all atoms of a structure."""
    return invariants(basis, surroundings_of(near))


@compiled
def spectra_of(basis: Basis, near: Neighbours) -> Float[Array, "atoms descriptor"]:
    """What the many-body kernel compares of all atoms of a structure."""
    return spectrum(basis, densities(basis, surroundings_of(near)).many)
