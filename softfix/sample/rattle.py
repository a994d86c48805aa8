"""Atoms shaken out of their places."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ase import Atoms

from softfix.sample.image import Image, Supply, image


def rattled(atoms: Atoms, std: float, rng: np.random.Generator) -> Atoms:
    """A copy with normally distributed displacements (Å per component), the mean taken out."""
    shaken, moved = atoms.copy(), rng.normal(scale=std, size=(len(atoms), 3))
    shaken.positions += moved - moved.mean(axis=0)
    return shaken


def rattles(supply: Supply, part: float) -> Iterator[Image]:
    """Rattles of every parent, of every size in turn."""
    sizes = supply.settings.rattles
    for index, parent in enumerate(supply.parents):
        rng = supply.rng(index, 1)
        for k in range(supply.share(part)):
            std = sizes[k % len(sizes)]
            yield image(parent, rattled(parent.atoms, std, rng), kind="rattle", std_A=std)
