"""Design rows of the many-body columns: atom by atom, what its features pass on to itself and to its neighbours.

A feature depends on the densities of its atom alone, so the slopes of features by densities, times those of densities
by bonds, are one product of matrices for each atom. Rows are made for the kernel itself and whitened at the end.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from softfix.core.anchors import POWER, Anchors
from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.graph import Neighbours
from softfix.core.kernel import slope
from softfix.core.opened import Opened


class Center(NamedTuple):
    """An atom and its gates."""

    i: Int[Array, ""]
    species: Int[Array, ""]
    others: Int[Array, " bonds"]
    r_ij: Float[Array, "bonds 3"]  # Å
    A: Float[Array, "a lm"]
    g: Float[Array, " gates"]
    pair: Float[Array, "gates pair"]  # dg/dA
    three: Float[Array, "gates b lm"]


class Kernel(NamedTuple):
    """Anchors of one species, and what gates measure the kernel from."""

    spectra: Float[Array, "anchors descriptor"]
    emptiness: Float[Array, ""]
    center: Float[Array, "gates anchors"]


def many_body_slopes(
    basis: Basis, anchors: Anchors, A: Float[Array, "atoms a lm"], gates: Opened, near: Neighbours
) -> tuple[Float[Array, "atoms gates 3 species f"], Float[Array, "gates 3 3 species f"]]:
    """Forces and dE/dstrain of the many-body columns f."""
    atoms, S, M = len(A), basis.species, anchors.each
    kernel = Kernel(jnp.asarray(anchors.spectra), jnp.asarray(anchors.emptiness), _centers(anchors, gates))
    of_gates = (jnp.moveaxis(each, 1, 0) for each in (gates.g, gates.pair, gates.three))
    table = Center(jnp.arange(atoms), near.species, near.other, near.r_ij, A, *of_gates)

    def step(sums: tuple[jax.Array, jax.Array], atom: Center) -> tuple[tuple[jax.Array, jax.Array], None]:
        forces, strain = sums
        mine = Kernel(*(each[atom.species] for each in kernel))
        by_bonds = _by_bonds(basis, mine, near.species[atom.others], atom)
        forces = forces.at[atom.i * S + atom.species].add(jnp.sum(by_bonds, axis=0))
        forces = forces.at[atom.others * S + atom.species].add(-by_bonds)
        return (forces, strain.at[atom.species].add(jnp.einsum("mgxk,my->gxyk", by_bonds, atom.r_ij))), None

    shape = (len(gates.g), 3, M)
    zero = jnp.zeros((atoms * S, *shape), A.dtype), jnp.zeros((S, len(gates.g), 3, 3, M), A.dtype)
    (forces, strain), _ = jax.lax.scan(step, zero, table)
    forces = jnp.einsum("izgxk,zkf->igxzf", forces.reshape(atoms, S, *shape), anchors.whitening)
    return forces, jnp.einsum("zgxyk,zkf->gxyzf", strain, anchors.whitening)


def _centers(anchors: Anchors, gates: Opened) -> Float[Array, "species gates anchors"]:
    """The gates' centers in terms of the kernel: K C, times those of the features."""
    K = jnp.einsum("zkd,zmd->zkm", anchors.spectra, anchors.spectra) ** POWER
    return jnp.einsum("zkm,zmf,gzf->zgk", K, anchors.whitening, gates.center[..., -anchors.each :])


def _by_bonds(
    basis: Basis, kernel: Kernel, others: Int[Array, " bonds"], atom: Center
) -> Float[Array, "bonds gates 3 anchors"]:
    """d(g (k - center))/dr_ij of one atom."""
    S, bonds = basis.species, len(others)
    pair, radial = basis.edge_slopes(atom.r_ij)
    of_species = jax.nn.one_hot(others, S, dtype=pair.dtype)

    def times(functions: Array, by_density: Array) -> Float[Array, "bonds 3 columns"]:
        """Slopes of a bond's functions, in the place of its other end's species, times those by densities."""
        last = jnp.moveaxis(functions, -1, 1).reshape(bonds, 3, 1, -1)
        by_species = (of_species[:, None, :, None] * last).reshape(bonds, 3, -1)
        return by_species @ by_density.reshape(len(by_density), -1).T

    k, by_density = slope(basis, kernel.spectra, kernel.emptiness, atom.A)
    whole = times(radial[:, : basis.many_count], by_density)
    of_gates = times(pair, atom.pair) + times(radial[:, : basis.three_count], atom.three)
    shut = jnp.moveaxis(of_gates, -1, 1)[..., None] * (k - kernel.center)[:, None, :]
    return atom.g[:, None, None] * whole[:, None] + shut
