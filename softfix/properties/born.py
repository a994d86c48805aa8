"""Polarisation from Born effective charges, which are given: an interatomic potential knows no charges.

P = e / V sum_k Z*_k u_k, with u_k the displacement of atom k from the parent phase; of one cell, with the atoms of that
cell. Linear in u, which holds within some percent for ferroelectric perovskites (Meyer and Vanderbilt, Phys. Rev. B 65,
104111 (2002), doi:10.1103/PhysRevB.65.104111).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.data.phonopy import phonopy_cell
from softfix.errors import SoftfixError
from softfix.properties.checks import require_same_atoms
from softfix.properties.symmetry import symmetry_of

MICROCOULOMB = 1602.176634  # µC/cm^2 in one e/Å^2 (SI)
FAR = 1.2  # Å; no ferroelectric displacement is larger
NEUTRAL = 0.5  # e; charges of a cell that sum to more than this are not Born charges of it

Tensor = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
Charges = dict[str, float | Tensor | list[Tensor]] | Path  # by element, or phonopy's file
CHARGES = (
    "Born charges in e by element: a number, a 3x3 tensor, or a tensor for each of its atoms in the parent. Or a BORN "
    "file of phonopy for the parent's cell."
)


def charges_of(parent: Frame, charges: Charges | None) -> np.ndarray:
    """(atoms, 3, 3) charges of the parent's atoms in e; what their sum differs from zero by is shared out evenly.

    Raises:
        SoftfixError: for an element without charges, too few or too many of them, a file that is missing or of another
            cell, or a cell that is not neutral.
    """
    if charges is None:
        raise SoftfixError("Polarisation needs Born charges: give born_charges by --config, e.g. {Ti: 7.1, ...} in e.")
    found = _read(parent, charges) if isinstance(charges, Path) else _by_element(parent, charges)
    rest = found.sum(axis=0)
    if (worst := float(np.abs(rest).max())) > NEUTRAL:
        raise SoftfixError(
            f"The born_charges of {parent.source} sum to {worst:.2f} e, not to zero: they are those of another cell, "
            "or one is mistyped."
        )
    return found - rest / len(parent)


def _read(parent: Frame, path: Path) -> np.ndarray:
    """Those of a BORN file, which holds the atoms that symmetry does not make alike."""
    from phonopy.file_IO import get_born_parameters

    atoms = atoms_of(parent)
    try:
        with path.open(encoding="utf-8") as file:
            return np.asarray(get_born_parameters(file, phonopy_cell(atoms), symmetry_of(atoms))["born"])
    except OSError as error:
        raise SoftfixError(
            f"{path}, which born_charges in the settings names, cannot be read: {error.strerror}."
        ) from None
    except (ValueError, RuntimeError) as error:
        raise SoftfixError(
            f"{path} is no BORN file of the cell of {parent.source} ({error}): give that of the parent phase, with a "
            "line for each atom that symmetry does not make alike."
        ) from None


def _by_element(parent: Frame, charges: Mapping[str, float | Tensor | list[Tensor]]) -> np.ndarray:
    found = np.zeros((len(parent), 3, 3))
    for z in np.unique(parent.numbers):
        symbol, atoms = chemical_symbols[z], np.flatnonzero(parent.numbers == z)
        if symbol not in charges:
            raise SoftfixError(f"{parent.source} holds {symbol}, which born_charges in the settings does not: add it.")
        given = np.asarray(charges[symbol], dtype=float)
        if given.ndim == 3 and len(given) != len(atoms):
            raise SoftfixError(
                f"born_charges gives {len(given)} tensors for {symbol}, but {parent.source} has {len(atoms)} such "
                "atoms: give one for each, or one for all."
            )
        found[atoms] = given * np.eye(3) if given.ndim == 0 else given
    return found


def require_near(parent: Frame, frames: Sequence[Frame]) -> None:
    """Refuse phases whose atoms are not near the sites of the parent's atoms of the same number.

    Raises:
        SoftfixError: for other atoms, or atoms in another order.
    """
    require_same_atoms([parent, *frames])
    for frame in frames:
        moved = displacements(parent, atoms_of(frame))
        apart = np.linalg.norm(moved - moved.mean(axis=0), axis=1)
        worst = int(apart.argmax())
        if apart[worst] > FAR:
            raise SoftfixError(
                f"{frame.source}: atom {worst} (counted from 0) is {apart[worst]:.1f} Å from its site in "
                f"{parent.source}: give the atoms of both in the same order."
            )


def require_two_phases(frames: Sequence[Frame], what: str) -> None:
    """Refuse anything but a parent phase and a polar one, of the same atoms."""
    if len(frames) != 2:
        raise SoftfixError(f"{frames[0].source}: {what} needs two structures, the parent phase and a polar one.")
    require_near(frames[0], frames[1:])


def displacements(parent: Frame, atoms: Atoms) -> np.ndarray:
    """(atoms, 3) Å from the sites of the parent, in the cell of now, to the nearest image."""
    moved = atoms.get_scaled_positions(wrap=False) - atoms_of(parent).get_scaled_positions(wrap=False)
    return (moved - np.round(moved)) @ atoms.cell.array


def polarisation(charges: np.ndarray, displaced: np.ndarray, volume: float) -> np.ndarray:
    """P of one cell.

    Args:
        charges: (atoms, 3, 3) e, summing to zero.
        displaced: (atoms, 3) Å.
        volume: Å^3.

    Returns:
        (3,) µC/cm^2.
    """
    return MICROCOULOMB / volume * np.einsum("kxy,ky->x", charges, displaced)


def repeated(parent: Frame, repeats: tuple[int, int, int]) -> Frame:
    """The parent's supercell: cells one after another, the atoms of each in their order."""
    atoms = atoms_of(parent) * repeats
    return Frame(atoms.numbers, atoms.positions, atoms.cell.array, parent.pbc, source=parent.source)


def of_cells(charges: np.ndarray, displaced: np.ndarray, volume: float) -> np.ndarray:
    """(cells, 3) µC/cm^2 of every cell of a supercell of `volume` Å^3, in the order of `repeated`."""
    cells = len(displaced) // len(charges)
    parts = displaced.reshape(cells, len(charges), 3)
    return MICROCOULOMB * cells / volume * np.einsum("kxy,cky->cx", charges, parts)
