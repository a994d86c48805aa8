"""Design rows: energy, forces and strain derivative of every column, without a Jacobian of every feature.

An invariant's derivative is assembled from the slopes of each bond's functions and the densities of the two atoms;
what a bond's other end sees of it follows by parity, f(-r) = (-1)^l f(r). Atoms are gone through one by one on a CPU:
the slopes of one atom's bonds stay in the processor's cache, those of all atoms would not.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from softfix.core.angular import degree_of
from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.compiling import compiled
from softfix.core.gate import Gate
from softfix.core.graph import Neighbours
from softfix.core.invariants import Densities, densities, of_densities, surroundings_of
from softfix.core.many_body import many_body_slopes
from softfix.core.opened import Opened, opened_of

BLOCK = {"cpu": None}  # atoms at a time, by platform: None is one
LARGEST_BLOCK = 64  # elsewhere


class Rows(NamedTuple):
    """What one unit of each weight gives."""

    energy: Float[Array, " columns"]  # eV per eV of weight
    forces: Float[Array, "atoms 3 columns"]  # eV/Å
    strain: Float[Array, "3 3 columns"]  # dE/dstrain, eV, symmetric; stress is this over the volume


class Atom(NamedTuple):
    """One atom and its bonds."""

    i: Int[Array, ""]
    other: Int[Array, " bonds"]
    r_ij: Float[Array, "bonds 3"]  # Å


class Bonds(NamedTuple):
    """Slopes of the functions of an atom's bonds, in 1/Å, and what stands at the other ends."""

    pair: Float[Array, "bonds n 3"]
    three: Float[Array, "bonds n lm 3"]
    species: Float[Array, "bonds species"]  # 1 for the species of the other end
    r_ij: Float[Array, "bonds 3"]


class Structure(NamedTuple):
    """What every atom needs to know of the others; phi and the gates' centers of pair and three-body features alone."""

    species: Int[Array, " atoms"]
    A_three: Float[Array, "atoms a lm"]
    phi: Float[Array, "atoms features"]
    gates: Opened


@compiled
def design_rows(basis: Basis, gates: tuple[Gate | None, ...], near: Neighbours) -> tuple[Rows, ...]:
    """Rows of all feature columns (central species x features) for one structure, once for every gate."""
    A = densities(basis, surroundings_of(near))
    phi = of_densities(basis, A, near.species)
    every = opened_of(basis, gates, near.species, A)
    forces, strain = _linear(basis, A, phi, every, near)
    if basis.anchors is not None:
        many = many_body_slopes(basis, basis.anchors, A.many, every, near)
        forces, strain = (jnp.concatenate(each, axis=-1) for each in zip((forces, strain), many, strict=True))
    strain = 0.5 * (strain + jnp.swapaxes(strain, 1, 2))
    of_species = jax.nn.one_hot(near.species, basis.species, dtype=phi.dtype)
    atomic = jnp.einsum("gi,iz,if->gzf", every.g, of_species, phi)
    energy = atomic - jnp.einsum("gi,iz,gzf->gzf", every.g, of_species, every.center)
    return tuple(
        Rows(energy[k].reshape(-1), forces[:, k].reshape(len(phi), 3, -1), strain[k].reshape(3, 3, -1))
        for k in range(len(gates))
    )


def _linear(
    basis: Basis, A: Densities, phi: Float[Array, "atoms features"], every: Opened, near: Neighbours
) -> tuple[Float[Array, "atoms gates 3 species f"], Float[Array, "gates 3 3 species f"]]:
    """Forces and dE/dstrain of the pair and three-body columns."""
    count = basis.pair_features + basis.three_features
    seen = every._replace(center=every.center[..., :count])
    structure = Structure(near.species, A.three, phi[:, :count], seen)
    atoms = Atom(jnp.arange(len(phi)), near.other, near.r_ij)
    size = BLOCK.get(jax.default_backend(), LARGEST_BLOCK)
    forces, strain = jax.lax.map(partial(_of_atom, basis, structure), atoms, batch_size=size)
    return forces, jnp.einsum("iz,igxyf->gxyzf", jax.nn.one_hot(near.species, basis.species, dtype=phi.dtype), strain)


def _of_atom(
    basis: Basis, structure: Structure, atom: Atom
) -> tuple[Float[Array, "gates 3 species features"], Float[Array, "gates 3 3 features"]]:
    """Force on one atom, and its share of dE/dstrain, whose columns are those of its species."""
    species = jax.nn.one_hot(structure.species[atom.other], basis.species, dtype=atom.r_ij.dtype)
    pair, radial = basis.edge_slopes(atom.r_ij)
    bonds = Bonds(pair, radial[:, : basis.three_count], species, atom.r_ij)
    own = _own(basis, structure, atom, bonds)
    mine = jax.nn.one_hot(structure.species[atom.i], basis.species, dtype=own.dtype)
    forces = mine[:, None] * own[:, :, 0, None] + _from_others(basis, structure, atom, bonds)
    return forces - _from_their_gates(basis, structure, atom, bonds), own[:, :, 1:]


def _own(basis: Basis, structure: Structure, atom: Atom, bonds: Bonds) -> Float[Array, "gates 3 4 features"]:
    """Sum over the bonds of d(g_i (phi_i - center))/dr_ij x (1, r_ij)."""
    gates, A = structure.gates, structure.A_three[atom.i]
    arms = jnp.concatenate([jnp.ones_like(bonds.r_ij[:, :1]), bonds.r_ij], axis=1)
    by_species = bonds.species[:, :, None] * arms[:, None, :]
    pair = jnp.einsum("msy,mnx->snxy", by_species, bonds.pair).reshape(-1, 3, 4)
    slopes: list[Array] = [jnp.moveaxis(pair, 0, -1)]
    of_gates = jnp.einsum("ga,axy->gxy", gates.pair[:, atom.i], pair)
    if basis.three_count:
        three = jnp.einsum("msy,mnkx->snkxy", by_species, bonds.three).reshape(*A.shape, 3, 4)
        half = [jnp.einsum("akxy,bk->xyab", three[:, m], A[:, m]) for m in basis.by_degree()]
        slopes.append(_triangle(basis, jnp.stack(half, axis=-1)))
        of_gates = of_gates + jnp.einsum("gak,akxy->gxy", gates.three[:, atom.i], three)
    seen = structure.phi[atom.i] - gates.center[:, structure.species[atom.i]]
    slope = jnp.concatenate(slopes, axis=-1)
    return gates.g[:, atom.i, None, None, None] * slope + of_gates[..., None] * seen[:, None, None, :]


def _triangle(basis: Basis, half: Float[Array, "*rows a b l"]) -> Float[Array, "*rows three_features"]:
    """Half slopes of p_{ab l} in the order of `power_spectrum`; the other half is the transpose."""
    a, b = basis.triangle
    whole = half + jnp.swapaxes(half, -3, -2)
    return whole[..., a, b, :].reshape(*half.shape[:-3], -1)


def _from_others(
    basis: Basis, structure: Structure, atom: Atom, bonds: Bonds
) -> Float[Array, "gates 3 species features"]:
    """Force from the shares of the neighbours, in columns of the neighbour's species."""
    S = basis.species
    mine = jax.nn.one_hot(structure.species[atom.i], S, dtype=bonds.pair.dtype)
    weight = structure.gates.g[:, atom.other, None] * bonds.species  # (gates, bonds, species)
    pair = jnp.einsum("mpx,gmz->gxzp", bonds.pair, weight)
    gates = len(pair)
    parts: list[Array] = [(mine[:, None] * pair[..., None, :]).reshape(gates, 3, S, -1)]
    if basis.three_count:
        A = jnp.swapaxes(structure.A_three[atom.other], 1, 2)  # (bonds, lm, b)
        far = weight[:, :, None, :, None] * A[:, :, None, :]  # (gates, bonds, lm, species, b)
        half = [
            (-1.0) ** degree * jnp.einsum("jnkx,gjkzb->gxznb", bonds.three[:, :, m], far[:, :, m])
            for degree, m in enumerate(basis.by_degree())
        ]
        by_mine = mine[:, None, None, None] * jnp.stack(half, axis=-1)[:, :, :, None]
        n = S * basis.three_count
        parts.append(_triangle(basis, by_mine.reshape(gates, 3, S, n, n, basis.l_max + 1)))
    return jnp.concatenate(parts, axis=-1)


def _from_their_gates(
    basis: Basis, structure: Structure, atom: Atom, bonds: Bonds
) -> Float[Array, "gates 3 species features"]:
    """What the gates of its neighbours add to dE/dr of the atom."""
    gates, seen = structure.gates, (slice(None), atom.other, structure.species[atom.i])
    shape = (*gates.g.shape, basis.species)
    slope = -jnp.einsum("gmp,mpx->gmx", gates.pair.reshape(*shape, -1)[seen], bonds.pair)
    if basis.three_count:
        parity = np.asarray((-1.0) ** degree_of(basis.l_max))
        of_mine = gates.three.reshape(*shape, basis.three_count, len(parity))[seen]
        slope -= jnp.einsum("gmnk,mnkx->gmx", of_mine * parity, bonds.three)
    by_species = slope[..., None] * bonds.species[:, None, :]
    from_phi = jnp.einsum("gmxz,mf->gxzf", by_species, structure.phi[atom.other])
    return from_phi - jnp.sum(by_species, axis=1)[..., None] * gates.center[:, None]
