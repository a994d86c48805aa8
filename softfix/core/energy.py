"""The correction's energy, one scalar; forces and stress are its derivatives and nothing else."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.gate import Gate, openness
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


def atomic_energies(
    basis: Basis, weights: Float[Array, "species features"], gate: Gate | None, graph: Graph
) -> tuple[Float[Array, " atoms"], Float[Array, " atoms"]]:
    """g_i w_{z_i}.(phi_i - center_{z_i}) of every atom in eV, and g_i; without a gate w_{z_i}.phi_i and 1."""
    phi = invariants(basis, graph)
    head = LinearHead(basis.species, basis.features)
    seen = phi if gate is None else phi - gate.center[graph.species]
    energies = jnp.asarray(head.apply({"params": {"weights": weights}}, seen, graph.species))
    g = jnp.ones_like(energies) if gate is None else openness(basis, gate, phi, graph.species)
    return g * energies, g


@partial(jax.jit, static_argnums=0)
def evaluate(basis: Basis, weights: Float[Array, "species features"], gate: Gate | None, graph: Graph) -> Result:
    """Energy and, by one backward pass through the bonds, forces and strain derivative."""

    def total(r_ij: Float[Array, "edges 3"]) -> tuple[Array, tuple[Array, Array]]:
        energies, g = atomic_energies(basis, weights, gate, graph._replace(r_ij=r_ij))
        return jnp.sum(energies), (energies, g)

    (energy, (energies, g)), slope = jax.value_and_grad(total, has_aux=True)(graph.r_ij)
    atoms = len(graph.species)
    forces = jax.ops.segment_sum(slope, graph.source, atoms) - jax.ops.segment_sum(slope, graph.target, atoms)
    strain = graph.r_ij.T @ slope
    return Result(energy, energies, forces, 0.5 * (strain + strain.T), g)
