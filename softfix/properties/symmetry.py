"""Symmetry of a crystal (spglib, through phonopy)."""

from __future__ import annotations

from typing import Any

from ase import Atoms

from softfix.data.phonopy import phonopy_cell
from softfix.errors import SoftfixError

TOLERANCE = 1e-3  # Å


def symmetry_of(atoms: Atoms, tolerance: float = TOLERANCE) -> Any:
    """phonopy's Symmetry: operations, equivalent atoms, and spglib's data set with the conventional cell.

    Raises:
        SoftfixError: if spglib finds none, not even the identity.
    """
    from phonopy.structure.symmetry import Symmetry
    from spglib.error import SpglibError

    try:
        return Symmetry(phonopy_cell(atoms), symprec=tolerance)
    except SpglibError as error:
        raise SoftfixError(
            f"The symmetry of {atoms.get_chemical_formula()} cannot be told ({error}): see whether atoms lie on others."
        ) from error


def conventional(atoms: Atoms) -> Atoms:
    """The conventional cell."""
    found = symmetry_of(atoms).dataset
    return Atoms(found.std_types, scaled_positions=found.std_positions, cell=found.std_lattice, pbc=True)
