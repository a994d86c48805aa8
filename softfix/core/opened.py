"""Gates at the atoms of a structure, with their slopes: what the rows of a fit need of them."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.gate import Gate, openness
from softfix.core.invariants import Densities, power_spectrum


class Opened(NamedTuple):
    """Gates at every atom, and their slopes: the gate of an atom depends on its own densities alone."""

    g: Float[Array, "gates atoms"]
    center: Float[Array, "gates species features"]
    pair: Float[Array, "gates atoms pair"]  # dg_i/dA_i
    three: Float[Array, "gates atoms a lm"]


def opened_of(basis: Basis, gates: tuple[Gate | None, ...], species: Int[Array, " atoms"], A: Densities) -> Opened:
    """Those of several gates; None is one that is open everywhere, around nothing."""
    each = [_opened(basis, gate, species, A) for gate in gates]
    return Opened(*(jnp.stack(parts) for parts in zip(*each, strict=True)))


def _opened(basis: Basis, gate: Gate | None, species: Int[Array, " atoms"], A: Densities) -> Opened:
    if gate is None:
        center = jnp.zeros((basis.species, basis.features))
        return Opened(jnp.ones(len(A.pair)), center, jnp.zeros_like(A.pair), jnp.zeros_like(A.three))

    def total(pair: Array, three: Array) -> tuple[Array, Array]:
        phi = jnp.concatenate([pair, power_spectrum(basis, three)], axis=1)
        g = openness(basis, gate, phi, species)
        return jnp.sum(g), g

    slopes, g = jax.grad(total, argnums=(0, 1), has_aux=True)(A.pair, A.three)
    return Opened(g, jnp.asarray(gate.center), *slopes)
