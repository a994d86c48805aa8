"""How crowded an atom is: near 0 at bond lengths that a fit has seen, 1 and more once a bond is half as long.

Fits know nothing of colliding atoms, and the potential below them, which repels, is the better guess there. Crowding
is a sum over bonds of a function that steps down before the shortest bond of the fit. It is made of the radial
functions that the correction has anyway, so that it is linear in what an atom sees.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.compiling import compiled
from softfix.core.precision import in_float64
from softfix.core.radial import bessel

WHOLE, GONE = 0.55, 0.8  # of the shortest bond: up to where a bond crowds, and from where it does not
POINTS = 400  # at which the step is fitted
BEYOND = 3.0  # weight of the points past the shortest bond: many neighbours stand there
WITHIN, RARE = 0.4, 0.3  # of the shortest bond, below which points weigh less: no atoms come that near


@in_float64
def core_functions(basis: Basis, shortest: Float[np.ndarray, "species species"]) -> np.ndarray:
    """Coefficients (species, pair_features) of the step down of every pair of species; 0 where no bond is known.

    Args:
        basis: whose pair functions the step is made of, by least squares; they smooth it.
        shortest: shortest bond of every pair of species in Å, inf for a pair that was never seen: the mean of those of
            either species with its like is taken.
    """
    own = np.diag(shortest)
    known = np.where(np.isfinite(shortest), shortest, 0.5 * (own[:, None] + own))
    steps = [[_step(basis, length) for length in row] for row in known]
    return np.reshape(steps, (basis.species, basis.pair_features))


def _step(basis: Basis, shortest: float) -> np.ndarray:
    if not shortest < basis.pair_cutoff:
        return np.zeros(basis.pair_count)
    r = np.linspace(0.05 * shortest, basis.pair_cutoff, POINTS)
    share = np.clip((r / shortest - WHOLE) / (GONE - WHOLE), 0.0, 1.0)
    weight = np.where(r > shortest, BEYOND, np.where(r < WITHIN * shortest, RARE, 1.0))
    functions = np.asarray(_pair_functions(basis, r))
    return np.linalg.lstsq(functions * weight[:, None], (1.0 - share) * weight, rcond=1e-10)[0]


@compiled
def _pair_functions(basis: Basis, r: Float[Array, " points"]) -> Float[Array, "points n"]:
    return bessel(r, basis.pair_cutoff, basis.pair_count)
