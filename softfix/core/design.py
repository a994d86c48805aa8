"""Design rows: energy, forces and strain derivative of every column, without a Jacobian of every feature.

An invariant's derivative is assembled from the slopes of each bond's functions and the densities of the two atoms.
All bonds of an atom stand in one row of a table, so that every sum over bonds is a product of matrices; what a bond's
other end sees of it follows by parity, f(-r) = (-1)^l f(r).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from softfix.core.angular import degree_of
from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.gate import Gate, openness
from softfix.core.graph import Neighbours, flat
from softfix.core.invariants import densities, power_spectrum


class Rows(NamedTuple):
    """What one unit of each weight gives."""

    energy: Float[Array, " columns"]  # eV per eV of weight
    forces: Float[Array, "atoms 3 columns"]  # eV/Å
    strain: Float[Array, "3 3 columns"]  # dE/dstrain, eV, symmetric; stress is this over the volume


class Bonds(NamedTuple):
    """Slopes of the functions of every bond, and what they sum to at the atom that the bonds start from."""

    pair: Float[Array, "atoms bonds n 3"]  # 1/Å
    three: Float[Array, "atoms bonds n lm 3"]
    species: Float[Array, "atoms bonds species"]  # 1 for the species of the other end
    pair_sum: Float[Array, "atoms species_n 3 4"]  # slopes x (1, r_ij)
    three_sum: Float[Array, "atoms species_n lm 3 4"]


@partial(jax.jit, static_argnums=0)
def design_rows(basis: Basis, gates: tuple[Gate | None, ...], near: Neighbours) -> tuple[Rows, ...]:
    """Rows of all feature columns (central species x features) for one structure, once for every gate."""
    graph = flat(near)
    A_pair, A_three = densities(basis, graph)
    bonds = _bonds(basis, near)
    own = _own_slopes(basis, bonds, A_three)
    return tuple(_gated(basis, gate, near, bonds, own, A_pair, A_three) for gate in gates)


def _gated(
    basis: Basis, gate: Gate | None, near: Neighbours, bonds: Bonds, own: Float[Array, "atoms 3 4 features"],
    A_pair: Float[Array, "atoms pair"], A_three: Float[Array, "atoms a lm"],
) -> Rows:  # fmt: skip
    phi = jnp.concatenate([A_pair, power_spectrum(basis, A_three)], axis=1)
    of_species = jax.nn.one_hot(near.species, basis.species, dtype=phi.dtype)
    if gate is None:
        g: Array = jnp.ones(len(phi))
        seen, own_all = phi, own
    else:
        g, seen = openness(basis, gate, phi, near.species), phi - gate.center[near.species]
        slopes = _gate_slopes(basis, gate, near, A_pair, A_three)
        own_all = g[:, None, None, None] * own + _gate_own(bonds, *slopes)[..., None] * seen[:, None, None, :]
    energy = jnp.einsum("i,iz,if->zf", g, of_species, seen)
    forces = jnp.einsum("iz,ixf->ixzf", of_species, own_all[:, :, 0]) + _far_forces(basis, near, bonds, g, A_three)
    if gate is not None:
        forces -= _gate_far(basis, near, bonds, seen, *slopes)
    strain = jnp.einsum("iz,ixyf->xyzf", of_species, own_all[:, :, 1:])
    strain = 0.5 * (strain + jnp.swapaxes(strain, 0, 1))
    return Rows(energy.reshape(-1), forces.reshape(len(phi), 3, -1), strain.reshape(3, 3, -1))


def _bonds(basis: Basis, near: Neighbours) -> Bonds:
    atoms, slots = near.other.shape
    pair, three = basis.edge_slopes(near.r_ij.reshape(-1, 3))
    pair, three = (slope.reshape(atoms, slots, *slope.shape[1:]) for slope in (pair, three))
    species = jax.nn.one_hot(near.species[near.other], basis.species, dtype=pair.dtype)
    arms = jnp.concatenate([jnp.ones((atoms, slots, 1), pair.dtype), near.r_ij], axis=2)
    arms = species[..., :, None] * arms[..., None, :]

    def summed(slope: Float[Array, "atoms bonds n *k"]) -> Float[Array, "atoms species_n *k 4"]:
        total = jnp.einsum("imsy,im...->is...y", arms, slope)
        return total.reshape(atoms, basis.species * slope.shape[2], *total.shape[3:])

    return Bonds(pair, three, species, summed(pair), summed(three))


def _own_slopes(basis: Basis, bonds: Bonds, A: Float[Array, "atoms a lm"]) -> Float[Array, "atoms 3 4 features"]:
    """Sum over an atom's bonds of dphi_i/dr_ij x (1, r_ij): its own force, and its share of dE/dstrain."""
    pair = jnp.moveaxis(bonds.pair_sum, 1, -1)
    if not basis.three_count:
        return pair
    half = [jnp.einsum("iakxy,ibk->ixyab", bonds.three_sum[:, :, m], A[:, :, m]) for m in basis.by_degree()]
    return jnp.concatenate([pair, _triangle(basis, jnp.stack(half, axis=-1))], axis=-1)


def _triangle(basis: Basis, half: Float[Array, "*rows a b l"]) -> Float[Array, "*rows three_features"]:
    """Half slopes of p_{ab l} in the order of `power_spectrum`; the other half is the transpose."""
    a, b = basis.triangle
    whole = half + jnp.swapaxes(half, -3, -2)
    return whole[..., a, b, :].reshape(*half.shape[:-3], -1)


def _far_forces(
    basis: Basis, near: Neighbours, bonds: Bonds, g: Float[Array, " atoms"], A: Float[Array, "atoms a lm"]
) -> Float[Array, "atoms 3 z features"]:
    """Force on every atom from the shares of its neighbours: columns of the neighbour's species."""
    atoms, S = len(g), basis.species
    mine = jax.nn.one_hot(near.species, S, dtype=g.dtype)
    weight = g[near.other][..., None] * bonds.species  # (atoms, bonds, z)
    pair = jnp.einsum("tmpx,tmz->txzp", bonds.pair, weight)
    parts: list[Array] = [jnp.einsum("txzp,ts->txzsp", pair, mine).reshape(atoms, 3, S, -1)]
    if basis.three_count:
        A_far = A[near.other]
        half = []
        for degree, m in enumerate(basis.by_degree()):
            far = weight[..., None, None] * A_far[:, :, None, :, m]  # (atoms, bonds, z, b, m)
            half.append((-1.0) ** degree * jnp.einsum("tjnkx,tjzbk->txznb", bonds.three[:, :, :, m], far))
        by_mine = jnp.einsum("txznbl,ts->txzsnbl", jnp.stack(half, axis=-1), mine)
        n = S * basis.three_count
        parts.append(_triangle(basis, by_mine.reshape(atoms, 3, S, n, n, basis.l_max + 1)))
    return jnp.concatenate(parts, axis=-1)


def _gate_slopes(
    basis: Basis, gate: Gate, near: Neighbours, A_pair: Float[Array, "atoms pair"], A_three: Float[Array, "atoms a lm"]
) -> tuple[Float[Array, "atoms pair"], Float[Array, "atoms a lm"]]:
    """dg_i/dA_i: the gate of an atom depends on its own densities alone."""

    def total(pair: Array, three: Array) -> Array:
        phi = jnp.concatenate([pair, power_spectrum(basis, three)], axis=1)
        return jnp.sum(openness(basis, gate, phi, near.species))

    return jax.grad(total, argnums=(0, 1))(A_pair, A_three)


def _gate_own(
    bonds: Bonds, pair: Float[Array, "atoms pair"], three: Float[Array, "atoms a lm"]
) -> Float[Array, "atoms 3 4"]:
    """Sum over an atom's bonds of dg_i/dr_ij x (1, r_ij)."""
    return jnp.einsum("ia,iaxy->ixy", pair, bonds.pair_sum) + jnp.einsum("iak,iakxy->ixy", three, bonds.three_sum)


def _gate_far(
    basis: Basis, near: Neighbours, bonds: Bonds, seen: Float[Array, "atoms features"],
    pair: Float[Array, "atoms pair"], three: Float[Array, "atoms a lm"],
) -> Float[Array, "atoms 3 z features"]:  # fmt: skip
    """What the gates of its neighbours add to dE/dr of every atom."""
    atoms, S = len(seen), basis.species
    parity = (-1.0) ** degree_of(basis.l_max)
    mine = near.species[:, None]
    pair_far = pair.reshape(atoms, S, basis.pair_count)[near.other, mine]
    slope = -jnp.einsum("tmp,tmpx->tmx", pair_far, bonds.pair)
    if basis.three_count:
        three_far = three.reshape(atoms, S, basis.three_count, three.shape[-1])[near.other, mine] * np.asarray(parity)
        slope -= jnp.einsum("tmnk,tmnkx->tmx", three_far, bonds.three)
    by_species = slope[:, :, :, None] * bonds.species[:, :, None, :]
    return jnp.einsum("tmxz,tmf->txzf", by_species, seen[near.other])
