"""The distortion from one phase to another, taken apart into the symmetry modes of the more symmetric one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms

from softfix.errors import SoftfixError
from softfix.sample.image import Image, Parent, Supply, image
from softfix.sample.path import mapped
from softfix.sample.phonon import atoms_of, phonopy_of

SYMPREC = 1e-3  # Å
SAME_FREQUENCY = 0.05  # THz; modes nearer than this count as one
LEAST = 0.05  # share of the distortion below which a mode is left alone
AMPLITUDES = (0.5, 1.0, -1.0, 1.4)


class Mode(NamedTuple):
    """The part of a distortion in one set of modes of one frequency."""

    frequency: float  # THz, negative where unstable
    displacement: np.ndarray  # (atoms, 3) Å
    share: float  # of the squared, mass-weighted distortion


def mode_paths(supply: Supply, first: Parent, last: Parent) -> Iterator[Image]:
    """Images along each of the largest modes between two phases, in the cell of the more symmetric one."""
    high, low = sorted((first, last), key=lambda parent: -symmetry_order(parent.atoms))
    end = mapped(low.atoms, high, low)
    moved = end.get_scaled_positions(wrap=False) - high.atoms.get_scaled_positions()
    distortion = (moved - np.round(moved)) @ high.atoms.cell.array
    distortion -= distortion.mean(axis=0)
    if np.abs(distortion).max() < 10 * SYMPREC:
        return
    parent = Parent(f"{high.name} -> {low.name}", high.atoms)
    modes = decomposed(high.atoms, distortion, supply.potential("minimalist with modes"))
    for number, mode in enumerate(modes[: supply.settings.modes], 1):
        for amplitude in AMPLITUDES:
            atoms = high.atoms.copy()
            atoms.positions += amplitude * mode.displacement
            what = {"mode": number, "frequency_THz": round(mode.frequency, 2), "amplitude": amplitude}
            yield image(parent, atoms, kind="mode", **what)


def decomposed(atoms: Atoms, distortion: np.ndarray, calculator: Any) -> list[Mode]:
    """Parts of a distortion (Å) in the zone-centre modes of the cell, the largest first; they sum to it.

    Eigenvectors of the dynamical matrix of one frequency belong to one irreducible representation, so each part is a
    symmetry mode. Parts below 5 % are left out.
    """
    phonopy = phonopy_of(atoms)
    phonopy.generate_displacements(distance=0.02)
    forces = []
    for cell in phonopy.supercells_with_displacements:
        displaced = atoms_of(cell)
        displaced.calc = calculator
        forces.append(displaced.get_forces())
    phonopy.forces = np.array(forces)
    phonopy.produce_force_constants()
    phonopy.symmetrize_force_constants()
    frequencies, vectors = np.linalg.eigh(dynamical_matrix(phonopy.force_constants, phonopy.supercell.masses))
    frequencies = np.sign(frequencies) * np.sqrt(np.abs(frequencies)) * phonopy.unit_conversion_factor
    root = np.sqrt(atoms.get_masses())[:, None]
    weighted = (distortion * root).ravel()
    parts = []
    for members in _levels(frequencies):
        part = vectors[:, members] @ (vectors[:, members].T @ weighted)
        share = float(part @ part / (weighted @ weighted))
        if share > LEAST:
            parts.append(Mode(float(frequencies[members].mean()), part.reshape(-1, 3) / root, share))
    return sorted(parts, key=lambda mode: -mode.share)


def dynamical_matrix(constants: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """(3 atoms, 3 atoms) eV/(Å^2 u) at the zone centre of force constants (atoms, atoms, 3, 3); masses in u."""
    n = len(masses)
    weighted = constants / np.sqrt(np.outer(masses, masses))[:, :, None, None]
    matrix = weighted.transpose(0, 2, 1, 3).reshape(3 * n, 3 * n)
    return 0.5 * (matrix + matrix.T)


def _levels(frequencies: np.ndarray) -> list[np.ndarray]:
    """Indices of modes of one frequency each; frequencies must rise."""
    jumps = np.flatnonzero(np.diff(frequencies) > SAME_FREQUENCY) + 1
    return np.split(np.arange(len(frequencies)), jumps)


def symmetry_order(atoms: Atoms) -> int:
    """Number of symmetry operations of the cell."""
    import spglib

    found = spglib.get_symmetry((atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers), symprec=SYMPREC)
    if found is None:
        raise SoftfixError("spglib finds no symmetry of a structure, not even the identity: look at its cell.")
    return len(found["rotations"])
