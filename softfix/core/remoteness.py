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
    sparsest: float  # least density of neighbours


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
    sparsest = np.full(len(atoms), np.inf)
    for phi, species in seen:
        p = np.asarray(raw_descriptor(basis, phi))
        np.minimum.at(sparsest, species, neighbour_density(basis, phi))
        for z, picks in enumerate(chosen):
            mine = p[species == z]
            start, end = np.searchsorted(picks, (passed[z], passed[z] + len(mine)))
            kept[z].append(mine[picks[start:end] - passed[z]])
            passed[z] += len(mine)
    return [
        _known(np.concatenate(of_z), float(least)) if n else None
        for n, of_z, least in zip(atoms, kept, sparsest, strict=True)
    ]


def _known(p: Float[Array, "atoms descriptor"], sparsest: float) -> Known:
    size = max(float(np.linalg.norm(p.mean(axis=0))), 1e-6)
    spectra = p / size
    apart = distances(spectra, spectra) + np.diag(np.full(len(p), np.inf if len(p) > 1 else 0.0))
    return Known(size, spectra, np.maximum(apart.min(axis=1), ALIKE), sparsest)


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


def fullness(
    basis: Basis, known: list[Known | None], phi: Float[Array, "atoms features"], species: Int[Array, " atoms"]
) -> Float[Array, " atoms"]:
    """rho_i / min(least rho_j of the fit, largest rho_j of the structure), over atoms j of the same species.

    Below 1, neighbours are missing, as at a surface: against all that the fit has seen, and against other atoms of
    the same structure, so that an expanded crystal has all of its neighbours. Of a species not in the fit it is 0.
    """
    rho, found = neighbour_density(basis, phi), np.zeros(len(species))
    for z, of_z in enumerate(known):
        mine = species == z
        if of_z is not None and mine.any():
            found[mine] = rho[mine] / max(min(of_z.sparsest, rho[mine].max()), 1e-12)
    return found


def neighbour_density(basis: Basis, phi: Float[Array, "atoms features"]) -> Float[Array, " atoms"]:
    """rho_i, the first radial function, which falls from bond to cutoff, summed over all neighbours."""
    pairs = np.asarray(phi)[:, : basis.pair_features]
    return pairs.reshape(len(pairs), basis.species, basis.pair_count)[..., 0].sum(axis=1)


def distances(a: Float[Array, "n descriptor"], b: Float[Array, "m descriptor"]) -> Float[Array, "n m"]:
    """Euclidean distances of all pairs of rows."""
    square = np.sum(a**2, axis=1)[:, None] + np.sum(b**2, axis=1) - 2.0 * a @ b.T
    return np.sqrt(np.maximum(square, 0.0))
