"""Displacements that determine force constants, by phonopy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from ase import Atoms

from softfix.data.phonopy import phonopy_cell
from softfix.sample.image import Image, Supply, image


def displaced(supply: Supply) -> Iterator[Image]:
    """Symmetry-reduced single displacements of every parent, or random ones of all atoms."""
    settings = supply.settings
    for index, parent in enumerate(supply.parents):
        phonopy = phonopy_of(parent.atoms)
        if settings.random_displacements:
            seed = int(supply.rng(index, 4).integers(2**31))
            phonopy.generate_displacements(
                distance=settings.displacement, number_of_snapshots=supply.share(), random_seed=seed
            )
        else:
            phonopy.generate_displacements(distance=settings.displacement)
        kind = "random" if settings.random_displacements else "single"
        for number, cell in enumerate(phonopy.supercells_with_displacements):
            yield image(parent, atoms_of(cell), kind="phonon", displacement=kind, number=number)


def phonopy_of(atoms: Atoms) -> Any:
    """Phonopy with the cell as its own supercell."""
    from phonopy import Phonopy

    return Phonopy(phonopy_cell(atoms), supercell_matrix=np.eye(3, dtype=int), primitive_matrix=np.eye(3))


def atoms_of(cell: Any) -> Atoms:
    """ASE's atoms of a phonopy cell."""
    return Atoms(cell.symbols, scaled_positions=cell.scaled_positions, cell=cell.cell, pbc=True)
