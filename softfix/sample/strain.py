"""Strained cells: volumes, axes and shears first, then random strains."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
from ase import Atoms

from softfix.sample.image import Image, Supply, image
from softfix.sample.rattle import rattled

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def strained(atoms: Atoms, strain: np.ndarray) -> Atoms:
    """A copy under a symmetric strain: cell (1 + e), fractional coordinates kept; volume times det(1 + e)."""
    copy = atoms.copy()
    copy.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    return copy


def strain_of(voigt: np.ndarray) -> np.ndarray:
    """Symmetric matrix of six components xx yy zz yz xz xy (tensor shears, not engineering ones)."""
    strain = np.zeros((3, 3))
    for (i, j), value in zip(VOIGT, voigt, strict=True):
        strain[i, j] = strain[j, i] = value
    return strain


def systematic(size: float) -> Iterator[tuple[str, np.ndarray]]:
    """Volumes, then single components, each at both signs of full and half size."""
    for share in (1.0, -1.0, 0.5, -0.5):
        yield "volume", strain_of(np.array([1, 1, 1, 0, 0, 0]) * size * share)
    for share in (1.0, -1.0):
        for k, name in enumerate(("xx", "yy", "zz", "yz", "xz", "xy")):
            yield name, strain_of(np.eye(6)[k] * size * share)


def strains(supply: Supply, part: float) -> Iterator[Image]:
    """Strains of every parent, each shaken a little."""
    settings = supply.settings
    for index, parent in enumerate(supply.parents):
        rng = supply.rng(index, 2)
        wanted, plan = supply.share(part), list(systematic(settings.strain))
        rest = (("random", strain_of(rng.uniform(-1, 1, 6) * settings.strain)) for _ in range(wanted - len(plan)))
        for name, strain in chain(plan[:wanted], rest):
            atoms = strained(parent.atoms, strain)
            if settings.strain_rattle:
                atoms = rattled(atoms, settings.strain_rattle, rng)
            yield image(parent, atoms, kind="strain", strain=name, volume=float(np.linalg.det(np.eye(3) + strain)))
