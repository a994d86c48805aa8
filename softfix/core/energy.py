"""The correction's energy, one scalar; forces and stress are its derivatives and nothing else."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.gate import Gate, fence, openness
from softfix.core.graph import Graph
from softfix.core.heads import LinearHead
from softfix.core.invariants import invariants


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
    basis: Basis, weights: Float[Array, "species features"], gate: Gate | None, graph: Graph
) -> tuple[Float[Array, " atoms"], Float[Array, " atoms"], Float[Array, " atoms"]]:
    """g_i w_{z_i}.(phi_i - center_{z_i}) of every atom in eV, g_i and its fence; without a gate w_{z_i}.phi_i, 1, 1."""
    phi = invariants(basis, graph)
    head = LinearHead(basis.species, basis.features)
    if gate is None:
        energies = jnp.asarray(head.apply({"params": {"weights": weights}}, phi, graph.species))
        return energies, jnp.ones_like(energies), jnp.ones_like(energies)
    seen = phi - gate.center[graph.species]
    energies = jnp.asarray(head.apply({"params": {"weights": weights}}, seen, graph.species))
    g = openness(basis, gate, phi, graph.species)
    return g * energies, g, fence(basis, gate, phi, graph.species)


@partial(jax.jit, static_argnums=0)
def evaluate(basis: Basis, weights: Float[Array, "species features"], gate: Gate | None, graph: Graph) -> Result:
    """Energy and, by one backward pass through the bonds, forces and strain derivative."""

    def total(r_ij: Float[Array, "edges 3"]) -> tuple[Array, tuple[Array, Array, Array]]:
        energies, g, h = atomic_energies(basis, weights, gate, graph._replace(r_ij=r_ij))
        return jnp.sum(energies), (energies, g, h)

    (energy, (energies, g, h)), slope = jax.value_and_grad(total, has_aux=True)(graph.r_ij)
    return Result(energy, energies, *_collect(graph, slope), g, h)


@partial(jax.jit, static_argnums=0)
def fence_slope(basis: Basis, gate: Gate, energies: Float[Array, " atoms"], graph: Graph) -> Slope:
    """Slope of sum_i h_i e_i at constant e_i: what moving the fence does to energies e_i (eV) behind it."""

    def total(r_ij: Float[Array, "edges 3"]) -> Array:
        phi = invariants(basis, graph._replace(r_ij=r_ij))
        return jnp.sum(energies * fence(basis, gate, phi, graph.species))

    return Slope(*_collect(graph, jax.grad(total)(graph.r_ij)))


def _collect(graph: Graph, slope: Float[Array, "edges 3"]) -> tuple[Float[Array, "atoms 3"], Float[Array, "3 3"]]:
    """Forces and strain derivative from the derivative with respect to every bond."""
    atoms = len(graph.species)
    forces = jax.ops.segment_sum(slope, graph.source, atoms) - jax.ops.segment_sum(slope, graph.target, atoms)
    strain = graph.r_ij.T @ slope
    return forces, 0.5 * (strain + strain.T)
