"""How far an atom's surroundings are from all that a fit has seen, in units of the distances between those."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.gate import raw_descriptor

MOST = 1500  # atoms of a species that are remembered
ALIKE = 0.02  # distance below which surroundings are the same, relative to the size of their mean


class Known(NamedTuple):
    """Surroundings of one species in the fit."""

    size: float  # of the mean power spectrum, the unit of the others
    spectra: Float[Array, "atoms descriptor"]
    spacing: Float[Array, " atoms"]  # distance to the nearest other, ALIKE at least


def known_of(
    basis: Basis, seen: Iterable[tuple[Float[Array, "atoms features"], Int[Array, " atoms"]]], atoms: Sequence[int]
) -> list[Known | None]:
    """What is known of each species from the atoms of a fit; None of a species without atoms.

    Args:
        basis: what the surroundings are described with.
        seen: phi and species of the atoms of each frame.
        atoms: how many there are of each species in all, so that no more than MOST need be kept.
    """
    random = np.random.default_rng(0)
    chosen = [np.sort(random.choice(n, MOST, replace=False)) if n > MOST else np.arange(n) for n in atoms]
    kept: list[list[np.ndarray]] = [[] for _ in atoms]
    passed = np.zeros(len(atoms), int)
    for phi, species in seen:
        p = np.asarray(raw_descriptor(basis, phi))
        for z, picks in enumerate(chosen):
            mine = p[species == z]
            start, end = np.searchsorted(picks, (passed[z], passed[z] + len(mine)))
            kept[z].append(mine[picks[start:end] - passed[z]])
            passed[z] += len(mine)
    return [_known(np.concatenate(of_z)) if n else None for n, of_z in zip(atoms, kept, strict=True)]


def _known(p: Float[Array, "atoms descriptor"]) -> Known:
    size = max(float(np.linalg.norm(p.mean(axis=0))), 1e-6)
    spectra = p / size
    apart = distances(spectra, spectra) + np.diag(np.full(len(p), np.inf if len(p) > 1 else 0.0))
    return Known(size, spectra, np.maximum(apart.min(axis=1), ALIKE))


def remoteness(
    basis: Basis, known: list[Known | None], phi: Float[Array, "atoms features"], species: Int[Array, " atoms"]
) -> Float[Array, " atoms"]:
    """min_j |u_i - u_j| / spacing_j over the atoms j of the fit: about 1 among them, large far from all of them.

    The local scale lets surroundings that the fit holds densely (a crystal) and sparsely (a melt) stand side by side;
    as in local outlier factors (DOI 10.1145/335191.335388).
    """
    p, found = np.asarray(raw_descriptor(basis, phi)), np.full(len(species), np.inf)
    for z, of_z in enumerate(known):
        if of_z is not None and (species == z).any():
            apart = distances(p[species == z] / of_z.size, of_z.spectra)
            found[species == z] = (apart / of_z.spacing).min(axis=1)
    return found


def distances(a: Float[Array, "n descriptor"], b: Float[Array, "m descriptor"]) -> Float[Array, "n m"]:
    """Euclidean distances of all pairs of rows."""
    square = np.sum(a**2, axis=1)[:, None] + np.sum(b**2, axis=1) - 2.0 * a @ b.T
    return np.sqrt(np.maximum(square, 0.0))
