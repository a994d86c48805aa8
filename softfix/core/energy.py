"""The correction's energy, one scalar; forces and stress are its derivatives and nothing else.

The share of an atom depends on its own bonds alone. So shares and their slopes are found for a few atoms at a time:
what they need stays in the processor's cache, and memory beyond the neighbour table does not grow with the atoms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.compiling import compiled
from softfix.core.gate import Gate, fence, openness
from softfix.core.graph import Neighbours
from softfix.core.heads import LinearHead
from softfix.core.invariants import Surroundings, invariants

BLOCK = {"cpu": 16}  # atoms at a time, by platform; 16 are as fast as 8 and 32 on a CPU, and 128 take twice as long
LARGEST_BLOCK = 4096  # elsewhere


class Result(NamedTuple):
    """Correction of one structure."""

    energy: Float[Array, ""]  # eV
    energies: Float[Array, " atoms"]  # eV, share of each atom
    forces: Float[Array, "atoms 3"]  # eV/Å
    strain: Float[Array, "3 3"]  # dE/dstrain, eV, symmetric; stress is this over the volume
    openness: Float[Array, " atoms"]  # the gate of each atom, 0 to 1
    fence: Float[Array, " atoms"]  # the part of it that is exactly 1 in the surroundings of the fit


class Slope(NamedTuple):
    """Derivatives of a sum over atoms."""

    forces: Float[Array, "atoms 3"]  # minus d/dr
    strain: Float[Array, "3 3"]  # d/dstrain, symmetric


def atomic_energies(
    basis: Basis, weights: Float[Array, "species features"], gate: Gate | None, around: Surroundings
) -> tuple[Float[Array, " atoms"], Float[Array, " atoms"], Float[Array, " atoms"]]:
    """g_i w_{z_i}.(phi_i - center_{z_i}) of every atom in eV, g_i and its fence; without a gate w_{z_i}.phi_i, 1, 1."""
    phi = invariants(basis, around)
    head = LinearHead(basis.species, basis.features)
    if gate is None:
        energies = jnp.asarray(head.apply({"params": {"weights": weights}}, phi, around.species))
        return energies, jnp.ones_like(energies), jnp.ones_like(energies)
    seen = phi - gate.center[around.species]
    energies = jnp.asarray(head.apply({"params": {"weights": weights}}, seen, around.species))
    g = openness(basis, gate, phi, around.species)
    return g * energies, g, fence(basis, gate, phi, around.species)


@compiled
def evaluate(
    basis: Basis, weights: Float[Array, "species features"], gate: Gate | None, near: Neighbours,
    atoms: Int[Array, ""] | int | None = None,
) -> Result:  # fmt: skip
    """Energy and, by one backward pass through the bonds, forces and strain derivative.

    Args:
        basis: see `Basis`.
        weights: of the linear head, in eV.
        gate: see `Gate`.
        near: bonds of every atom.
        atoms: rows of the table that hold an atom, the first ones; all by default. The others cost nothing.
    """

    def share(around: Surroundings) -> tuple[Array, ...]:
        return atomic_energies(basis, weights, gate, around)

    (energies, g, h), slope = _over_atoms(share, near, atoms)
    return Result(jnp.sum(energies), energies, *slope, g, h)


@compiled
def fence_slope(
    basis: Basis, gate: Gate, energies: Float[Array, " atoms"], near: Neighbours,
    atoms: Int[Array, ""] | int | None = None,
) -> Slope:  # fmt: skip
    """Slope of sum_i h_i e_i at constant e_i: what moving the fence does to energies e_i (eV) behind it."""

    def share(around: Surroundings, e: Float[Array, " atoms"]) -> tuple[Array]:
        return (e * fence(basis, gate, invariants(basis, around), around.species),)

    return _over_atoms(share, near, atoms, energies)[1]


def _over_atoms(
    share: Callable[..., tuple[Array, ...]], near: Neighbours, atoms: Int[Array, ""] | int | None, *given: Array
) -> tuple[tuple[Array, ...], Slope]:
    """What `share` gives for every atom, and the slope of the sum of its first output, block by block.

    Args:
        share: of the surroundings of some atoms and their part of `given`.
        near: bonds of every atom.
        atoms: rows that hold one; None for all.
        given: constants of every atom.
    """
    rows = len(near.species)
    size = min(BLOCK.get(jax.default_backend(), LARGEST_BLOCK), rows)
    table = (near.species, near.other, near.r_ij, *given)
    species, other, r_ij, *constants = (_filled(column, -rows % size) for column in table)

    def block(start: Array | int) -> tuple[Array, Surroundings, list[jax.Array]]:
        mine, its, bonds, *part = (
            jax.lax.dynamic_slice_in_dim(x, start, size) for x in (species, other, r_ij, *constants)
        )
        return its, Surroundings(mine, species[its], bonds), part

    def of_block(around: Surroundings, part: list[jax.Array]) -> tuple[tuple[Array, ...], Array]:
        def total(bonds: Array) -> tuple[Array, tuple[Array, ...]]:
            found = share(around._replace(r_ij=bonds), *part)
            return jnp.sum(found[0]), found

        (_, found), slope = jax.value_and_grad(total, has_aux=True)(around.r_ij)
        return found, slope

    def step(k: Array, so_far: tuple) -> tuple:
        found, forces, strain = so_far
        its, around, part = block(k * size)
        new, slope = of_block(around, part)
        found = tuple(
            jax.lax.dynamic_update_slice_in_dim(whole, its_part, k * size, 0)
            for whole, its_part in zip(found, new, strict=True)
        )
        own = jax.lax.dynamic_slice_in_dim(forces, k * size, size) + jnp.sum(slope, axis=1)
        forces = jax.lax.dynamic_update_slice_in_dim(forces, own, k * size, 0).at[its].add(-slope)
        return found, forces, strain + jnp.einsum("imx,imy->xy", around.r_ij, slope)

    _, around, part = block(0)
    outputs = len(jax.eval_shape(share, around, *part))
    zero = jnp.zeros(len(species), near.r_ij.dtype)
    start = (zero,) * outputs, jnp.zeros((len(species), 3), zero.dtype), jnp.zeros((3, 3), zero.dtype)
    blocks = -(-(rows if atoms is None else atoms) // size)
    found, forces, strain = jax.lax.fori_loop(0, blocks, step, start)
    return tuple(each[:rows] for each in found), Slope(forces[:rows], 0.5 * (strain + strain.T))


def _filled(column: Array, more: int) -> Array:
    """A column with rows for atoms that are not there; a bond of length 1e3 Å is beyond any cutoff."""
    if not more:
        return jnp.asarray(column)
    return jnp.pad(column, [(0, more)] + [(0, 0)] * (column.ndim - 1), constant_values=1000 if column.ndim == 3 else 0)
