"""Design rows: energy, forces and strain derivative of every column, without a Jacobian of every feature.

A pooled invariant's derivative is assembled per bond from the slopes of the bond's functions and the densities
of its first atom, then scattered to both atoms (forces) and contracted with the bond vector (stress).
"""

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
from softfix.core.invariants import densities, invariants, power_spectrum


class Rows(NamedTuple):
    """What one unit of each weight gives."""

    energy: Float[Array, " columns"]  # eV per eV of weight
    forces: Float[Array, "atoms 3 columns"]  # eV/Å
    strain: Float[Array, "3 3 columns"]  # dE/dstrain, eV, symmetric; stress is this over the volume


@partial(jax.jit, static_argnums=0)
def design_rows(basis: Basis, gate: Gate | None, graph: Graph) -> Rows:
    """Rows of all feature columns (central species x features) for one structure."""
    A_pair, A_three = densities(basis, graph)
    phi = jnp.concatenate([A_pair, power_spectrum(basis, A_three)], axis=1)
    atoms = len(graph.species)
    g = jnp.ones(atoms) if gate is None else openness(basis, gate, phi, graph.species)
    seen = phi if gate is None else phi - gate.center[graph.species]
    energy = jax.ops.segment_sum(g[:, None] * seen, graph.species, basis.species)
    slopes = [_pair_slopes(basis, graph)]
    if basis.three_count:
        slopes.append(_three_slopes(basis, graph, A_three))
    slopes = [g[graph.source, None, None] * slope for slope in slopes]
    forces = _columns(basis, [-_scatter(graph, basis, slope) for slope in slopes], atoms * 3).reshape(atoms, 3, -1)
    strain = _columns(basis, [_strain(graph, basis, slope) for slope in slopes], 9).reshape(3, 3, -1)
    if gate is not None:
        slope = _gate_slopes(basis, gate, graph)
        forces -= _gate_forces(basis, graph, slope, seen)
        strain += _gate_strain(basis, graph, slope, seen)
    return Rows(energy.reshape(-1), forces, strain)


def _gate_slopes(basis: Basis, gate: Gate, graph: Graph) -> Float[Array, "edges 3"]:
    """dg_i/dr_ij: the gate of an atom depends on its own bonds alone, so one backward pass gives all."""

    def total(r_ij: Float[Array, "edges 3"]) -> Array:
        return jnp.sum(openness(basis, gate, invariants(basis, graph._replace(r_ij=r_ij)), graph.species))

    return jax.grad(total)(graph.r_ij)


def _gate_forces(
    basis: Basis, graph: Graph, slope: Float[Array, "edges 3"], seen: Float[Array, "atoms features"]
) -> Float[Array, "atoms 3 columns"]:
    """What the gate's own slope adds to dE/dr of both ends of every bond."""
    S, atoms = basis.species, len(graph.species)
    per_edge = slope[:, :, None] * seen[graph.source][:, None, :]
    species = graph.species[graph.source]
    total = jax.ops.segment_sum(per_edge, graph.target * S + species, atoms * S)
    total -= jax.ops.segment_sum(per_edge, graph.source * S + species, atoms * S)
    return jnp.swapaxes(total.reshape(atoms, S, 3, -1), 1, 2).reshape(atoms, 3, -1)


def _gate_strain(
    basis: Basis, graph: Graph, slope: Float[Array, "edges 3"], seen: Float[Array, "atoms features"]
) -> Float[Array, "3 3 columns"]:
    per_edge = slope[:, :, None] * graph.r_ij[:, None, :]
    per_atom = jax.ops.segment_sum(0.5 * (per_edge + jnp.swapaxes(per_edge, 1, 2)), graph.source, len(graph.species))
    of_species = graph.species[:, None] == jnp.arange(basis.species)
    return jnp.einsum("ixy,iz,if->xyzf", per_atom, of_species, seen).reshape(3, 3, -1)


def _pair_slopes(basis: Basis, graph: Graph) -> Float[Array, "edges 3 pair"]:
    return jnp.swapaxes(basis.edge_slopes(graph.r_ij)[0], 1, 2)


def _three_slopes(basis: Basis, graph: Graph, A: Float[Array, "atoms a lm"]) -> Float[Array, "edges 3 three_slopes"]:
    """sum_m dB_{n lm}/dr A_{b lm}: half of the slope of p_{(s_j n) b l}, the other half is its transpose."""
    slope = basis.edge_slopes(graph.r_ij)[1]
    A_i = A[graph.source]
    per_degree = [jnp.einsum("enmx,ebm->exnb", slope[:, :, m], A_i[:, :, m]) for m in basis.by_degree()]
    return jnp.stack(per_degree, axis=-1).reshape(len(graph.r_ij), 3, -1)


def _species_pair(graph: Graph, basis: Basis) -> Array:
    return graph.species[graph.source] * basis.species + graph.species[graph.target]


def _scatter(graph: Graph, basis: Basis, slope: Float[Array, "edges 3 k"]) -> Float[Array, "atoms3 z s k"]:
    """dE/dr of both ends of every bond, kept apart by the two species."""
    S, atoms = basis.species, len(graph.species)
    kind = _species_pair(graph, basis)
    total = jax.ops.segment_sum(slope, graph.target * S * S + kind, atoms * S * S)
    total -= jax.ops.segment_sum(slope, graph.source * S * S + kind, atoms * S * S)
    return jnp.moveaxis(total.reshape(atoms, S, S, 3, -1), 3, 1).reshape(atoms * 3, S, S, -1)


def _strain(graph: Graph, basis: Basis, slope: Float[Array, "edges 3 k"]) -> Float[Array, "9 z s k"]:
    """dE/dstrain, exactly symmetric."""
    S = basis.species
    per_edge = slope[:, :, None, :] * graph.r_ij[:, None, :, None]
    total = jax.ops.segment_sum(per_edge, _species_pair(graph, basis), S * S)
    total = 0.5 * (total + jnp.swapaxes(total, 1, 2))
    return jnp.moveaxis(total.reshape(S, S, 9, -1), 2, 0)


def _columns(basis: Basis, parts: list[Array], rows: int) -> Float[Array, "rows columns"]:
    """Bring (rows, z, s, ...) slopes into the order of `invariants`, per central species."""
    S, n = basis.species, basis.three_count
    columns = [parts[0].reshape(rows, S, basis.pair_features)]
    if n:
        half = parts[1].reshape(rows, S, S * n, S * n, basis.l_max + 1)
        a, b = basis.triangle
        columns.append((half + jnp.swapaxes(half, 2, 3))[:, :, a, b].reshape(rows, S, -1))
    return jnp.concatenate(columns, axis=2).reshape(rows, -1)
