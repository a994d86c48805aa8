"""Cells of a size that a DFT code can do and that holds more than one vibration."""

from __future__ import annotations

from itertools import product

import numpy as np
from ase import Atoms

from softfix.errors import SoftfixError


def repeated(atoms: Atoms, name: str, least: int, most: int) -> Atoms:
    """The cell, or if it is smaller than `least` its widest repetition within `most` atoms.

    Raises:
        SoftfixError: if the cell has more than `most` atoms or is not periodic, or no repetition fits between.
    """
    if not atoms.pbc.all():
        raise SoftfixError(f"{name} is not periodic in three directions: put it into a cell and set its pbc.")
    if len(atoms) > most:
        raise SoftfixError(
            f"{name} has {len(atoms)} atoms, more than max_atoms = {most}: give its primitive cell, or raise the "
            "setting if DFT of so many atoms can be paid."
        )
    if len(atoms) >= least:
        return atoms.copy()
    sizes = [n for n in product(range(1, most + 1), repeat=3) if least <= len(atoms) * n[0] * n[1] * n[2] <= most]
    if not sizes:
        raise SoftfixError(
            f"{name} has {len(atoms)} atoms, and no repetition has between min_atoms = {least} and max_atoms = {most}: "
            "widen these settings."
        )
    best = max(sizes, key=lambda n: (round(_width(atoms, n), 6), -n[0] * n[1] * n[2]))
    return atoms.repeat(best)


def _width(atoms: Atoms, sizes: tuple[int, ...]) -> float:
    """Least distance between faces of the repeated cell in Å."""
    heights = 1.0 / np.linalg.norm(atoms.cell.reciprocal(), axis=1)
    return float((heights * sizes).min())
