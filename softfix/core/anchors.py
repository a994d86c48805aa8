"""Anchors: surroundings of the fit that stand for all of them in the many-body kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from softfix.core.arrays import Array

POWER = 4  # of the scalar product in the kernel
EMPTINESS = 0.1  # of the typical size of a spectrum: below, nothing is like anything
ALIKE = 1e-6  # of the kernel's 1: what is left of surroundings that other anchors stand for


class Anchors(NamedTuple):
    """Of every species; rows and columns of zeros where a species has fewer than others."""

    spectra: Float[Array, "species anchors descriptor"]  # u_m = p_m / sqrt(|p_m|^2 + emptiness), nearly unit vectors
    whitening: Float[Array, "species anchors anchors"]  # C with C C^T = K^-1, K_mn = (u_m.u_n)^POWER
    emptiness: Float[Array, " species"]  # square of the size of a spectrum below which an atom has no neighbours

    @property
    def each(self) -> int:
        """Anchors of each species."""
        return self.spectra.shape[1]


def anchors_of(spectra: Sequence[Float[np.ndarray, "_ descriptor"]], count: int) -> Anchors:
    """For every species, the surroundings that one after another are explained least by those chosen before.

    Args:
        spectra: of the atoms of each species; none counts whose spectrum vanishes.
        count: most anchors of a species.

    Source: pivoted Cholesky factorisation, Harbrecht et al., Appl. Numer. Math. 62, 428 (2012),
    doi:10.1016/j.apnum.2011.10.001.
    """
    size = spectra[0].shape[1]
    chosen, whitening = np.zeros((len(spectra), count, size)), np.zeros((len(spectra), count, count))
    emptiness = np.ones(len(spectra))
    for z, p in enumerate(spectra):
        square = np.sum(p**2, axis=1)
        if not square.any():
            continue
        emptiness[z] = EMPTINESS**2 * square.mean()
        u = p / np.sqrt(square + emptiness[z])[:, None]
        picks, factor = _pivots(u, count)
        chosen[z, : len(picks)] = u[picks]
        whitening[z, : len(picks), : len(picks)] = np.linalg.inv(factor).T
    return Anchors(chosen, whitening, emptiness)


def _pivots(u: Float[np.ndarray, "atoms descriptor"], count: int) -> tuple[list[int], np.ndarray]:
    """The pivots and the lower factor of their kernel matrix."""
    left, factor = np.sum(u**2, axis=1) ** POWER, np.zeros((len(u), count))
    picks: list[int] = []
    while len(picks) < min(count, len(u)):
        pick, done = int(np.argmax(left)), len(picks)
        if left[pick] < ALIKE:
            break
        column = (u @ u[pick]) ** POWER - factor[:, :done] @ factor[pick, :done]
        factor[:, done] = column / np.sqrt(left[pick])
        left = left - factor[:, done] ** 2
        picks.append(pick)
    return picks, factor[picks, : len(picks)]
