"""A gate per atom: near 1 in surroundings like those of the fit, 0 far from them, smooth between.

What frames teach about one regime (a crystal at 300 K) is wrong about another (a melt, a surface), and the base is the
better guess there. The gate depends on the geometry alone, so the correction stays linear in its weights and, with the
gate's gradient kept, conservative. It has two factors: a fence, exactly 1 on every atom of the fit and exactly 0 well
outside, which every correction has; and a Gaussian, which a local correction has besides. The functions of the fence
take arrays of NumPy as well as of JAX, so that a fit compiles nothing for them.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from softfix.core.arrays import Array
from softfix.core.basis import Basis

OPEN = 1e12  # squared deviation, or crowding, of a fence that encloses everything
EMPTINESS = 0.1  # of the typical size of a spectrum: below, an atom counts as having no neighbours
SQUEEZE = 0.15, 0.5  # crowding beyond that of the fit at which the fence begins to fall, and has fallen


class Gate(NamedTuple):
    """Typical surroundings of every species in the fit, and how far the correction reaches from them."""

    center: Float[Array, "species features"]  # mean phi: shares are measured from it, so that closing costs nothing
    spectrum: Float[Array, "species descriptor"]  # mean normalised descriptor d
    precision: Float[Array, " species"]  # 1 / length^2 of the Gaussian, 0 where there is none
    inner: Float[Array, " species"]  # squared deviation up to which the fence is 1
    outer: Float[Array, " species"]  # squared deviation from which it is 0
    emptiness: Float[Array, " species"]  # square of the size of the descriptor below which the gate closes
    core: Float[Array, "species pair_features"]  # what makes an atom crowded, see `softfix.core.crowding`
    crowded: Float[Array, " species"]  # most crowding in the fit


class Spread(NamedTuple):
    """Sums over the atoms of a fit, of every species; they add over frames."""

    atoms: Float[Array, " species"]
    phi: Float[Array, "species features"]
    spectrum: Float[Array, "species descriptor"]
    square: Float[Array, " species"]  # |p|^2

    def __add__(self, other: Spread) -> Spread:  # type: ignore[override]
        """Sums over both sets of atoms."""
        return Spread(*(mine + its for mine, its in zip(self, other, strict=True)))


def descriptor_weights(basis: Basis) -> np.ndarray:
    """Weight of each feature in the descriptor: the power spectrum's, or the pair terms' where there is none.

    sqrt 2 for a < b, which stand for (a, b) and (b, a): the sum of squares is then that of the full spectrum.
    """
    if not basis.three_count:
        return np.ones(basis.pair_features)
    a, b = basis.triangle
    return np.repeat(np.where(a == b, 1.0, np.sqrt(2.0)), basis.l_max + 1)


def raw_descriptor(basis: Basis, phi: Float[Array, "atoms features"]) -> Float[Array, "atoms descriptor"]:
    """The part of phi that the gate looks at, weighted."""
    weights = descriptor_weights(basis)
    end = basis.pair_features + basis.three_features
    return phi[:, end - len(weights) : end] * weights


def openness(
    basis: Basis, gate: Gate, phi: Float[Array, "atoms features"], species: Int[Array, " atoms"]
) -> Float[Array, " atoms"]:
    """g_i = h_i exp(-|d_i - d_z|^2 / 2 length^2), h_i being the fence and d = p / sqrt(p^2 + eps)."""
    p = raw_descriptor(basis, phi)
    d = p / jnp.sqrt(jnp.sum(p**2, axis=1) + gate.emptiness[species])[:, None]
    distance = jnp.sum((d - gate.spectrum[species]) ** 2, axis=1)
    return fence(basis, gate, phi, species) * jnp.exp(-0.5 * distance * gate.precision[species])


def fence(
    basis: Basis, gate: Gate, phi: Float[Array, "atoms features"], species: Int[Array, " atoms"]
) -> Float[Array, " atoms"]:
    """h_i = a_i f((D_i^2 - inner) / (outer - inner)) f((q_i - crowded - s) / (t - s)).

    D_i is the distance of `deviation`, q_i the `crowding`; (s, t) is SQUEEZE. a rises smoothly from 0 at p = 0 to 1 at
    p^2 = eps, so that an atom without neighbours has h = 0 and nothing jumps where the last neighbour leaves.
    """
    inner, outer = gate.inner[species], gate.outer[species]
    square = (raw_descriptor(basis, phi) ** 2).sum(axis=1)
    filled = 1.0 - fall(square / gate.emptiness[species])
    excess = crowding(basis, gate, phi, species) - gate.crowded[species]
    near = fall((deviation(basis, gate, phi, species) - inner) / (outer - inner))
    return filled * near * fall((excess - SQUEEZE[0]) / (SQUEEZE[1] - SQUEEZE[0]))


def deviation(
    basis: Basis, gate: Gate, phi: Float[Array, "atoms features"], species: Int[Array, " atoms"]
) -> Float[Array, " atoms"]:
    """D_i^2 = |p_i - p_z|^2 / |p_z|^2: unlike d, the size of p tells missing neighbours and other densities."""
    mean = raw_descriptor(basis, gate.center)
    size = (mean**2).sum(axis=1).clip(1e-12)
    return ((raw_descriptor(basis, phi) - mean[species]) ** 2).sum(axis=1) / size[species]


def crowding(
    basis: Basis, gate: Gate, phi: Float[Array, "atoms features"], species: Int[Array, " atoms"]
) -> Float[Array, " atoms"]:
    """q_i = sum_j u(r_ij): near 0 at bond lengths of the fit, a half for one bond of two thirds of the shortest."""
    return (phi[:, : basis.pair_features] * gate.core[species]).sum(axis=1)


def fall(t: Float[Array, " n"]) -> Float[Array, " n"]:
    """1 for t <= 0, 0 for t >= 1, twice differentiable between."""
    t = t.clip(0.0, 1.0)
    return 1.0 - t**3 * (10.0 - 15.0 * t + 6.0 * t**2)


def spread_of(basis: Basis, phi: Float[Array, "atoms features"], species: Int[Array, " atoms"]) -> Spread:
    """Sums over the atoms of one structure (NumPy in, NumPy out)."""
    p = np.asarray(raw_descriptor(basis, phi))
    square = np.sum(p**2, axis=1)
    d = p / np.sqrt(np.where(square > 0.0, square, 1.0))[:, None]
    one = np.eye(basis.species)[np.asarray(species)]
    return Spread(one.sum(axis=0), one.T @ np.asarray(phi), one.T @ d, one.T @ square)


def gate_of(basis: Basis, spread: Spread) -> Gate:
    """Gate around the mean surroundings, open everywhere; every species must occur in the spread."""
    atoms = spread.atoms[:, None]
    zero = np.zeros(len(spread.atoms))
    return Gate(
        center=spread.phi / atoms,
        spectrum=spread.spectrum / atoms,
        precision=zero,
        inner=zero + OPEN,
        outer=zero + 2.0 * OPEN,
        emptiness=EMPTINESS**2 * spread.square / spread.atoms,
        core=np.zeros((basis.species, basis.pair_features)),
        crowded=zero + OPEN,
    )


def fenced(
    gate: Gate, farthest: Float[Array, " species"], crowded: Float[Array, " species"], margin: float, least: float
) -> Gate:
    """The gate with its fence: whole up to `margin` times the largest deviation in the fit, gone at three times that.

    Args:
        gate: see `gate_of`, with its core.
        farthest: largest squared deviation of an atom in the fit from its species' mean.
        crowded: largest crowding of an atom in the fit.
        margin: how much farther than that the correction is whole.
        least: deviation up to which it is whole in any case.
    """
    inner = np.maximum(margin**2 * farthest, least**2)
    return gate._replace(inner=inner, outer=9.0 * inner, crowded=crowded)


def localised(gate: Gate, length: float, reach: float) -> Gate:
    """The gate with its Gaussian: length_z^2 = length^2 + reach * (variance of d in the fit).

    Args:
        gate: see `gate_of`.
        length: least distance in d at which the gate closes to exp(-1/2).
        reach: how much farther it reaches where the fit's own surroundings are spread out.
    """
    variance = np.maximum(1.0 - np.sum(gate.spectrum**2, axis=1), 0.0)  # |d| = 1
    return gate._replace(precision=1.0 / (length**2 + reach * variance))


def farthest_of(basis: Basis, gate: Gate, phi: Float[Array, "atoms features"], species: Int[Array, " atoms"]) -> Array:
    """Largest squared deviation of an atom of one structure from its species' mean, per species; 0 where none."""
    return _largest(basis, np.asarray(deviation(basis, gate, phi, species)), species)


def most_crowded_of(
    basis: Basis, gate: Gate, phi: Float[Array, "atoms features"], species: Int[Array, " atoms"]
) -> Array:
    """Largest crowding of an atom of one structure, per species; 0 where none is crowded."""
    return _largest(basis, np.asarray(crowding(basis, gate, phi, species)), species)


def _largest(basis: Basis, of_atoms: np.ndarray, species: Int[Array, " atoms"]) -> np.ndarray:
    return np.array([of_atoms[species == z].max(initial=0.0) for z in range(basis.species)])
