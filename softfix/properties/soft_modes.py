"""Soft modes of a parent phase: zone-centre frequencies of a cell, and what charge each mode carries.

Force constants are fitted as those of phonons are; three uniform translations are projected out. With Born charges,
the mode effective charge is |sum_k Z*_k x_k| / |x|, x_k = e_k / sqrt(m_k) being the displacements of the mode (Gonze
and Lee, Phys. Rev. B 55, 10355 (1997), doi:10.1103/PhysRevB.55.10355). Frequencies are transverse: no long-range field.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from pydantic import BaseModel, ConfigDict, Field

from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.data.read import read_frames
from softfix.errors import SoftfixError
from softfix.properties.born import CHARGES, Charges, charges_of, displacements
from softfix.properties.checks import require_same_atoms
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.phonons import fitted, symmetric_displacements
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings
from softfix.sample.modes import dynamical_matrix

THZ = 15.633302  # THz in one sqrt(eV / (Å^2 u)) (CODATA 2018)
UNSTABLE = -0.1  # THz; below, a mode counts as unstable
LEVEL = 0.02  # THz; modes of the cell that differ by less are one level
SAME_CELL = 1e-3  # Å


class SoftModeSettings(BaseModel):
    """How soft modes are computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    distance: float = Field(0.03, gt=0, description="Displacement, Å; CHGNet is not smooth enough for 0.01.")
    relax: bool = Field(False, description="Relax the cell first, within its symmetry; not with a reference.")
    relaxation: RelaxationSettings = RelaxationSettings(force=0.002)
    born_charges: Charges | None = Field(None, description=CHARGES)


def measure(problem: Problem, potential: Potential) -> Findings:
    """Zone-centre modes of a potential, by the displacements of the reference if there is one."""
    if problem.reference is None:
        parent = problem.atoms
        if problem.settings.relax:
            (parent,) = potential.relaxed([parent], problem.settings.relaxation)
        moves = symmetric_displacements(parent, problem.settings.distance)
    else:
        parent, moves, _ = _labelled(problem)
    displaced = [Atoms(parent.numbers, parent.positions + move, cell=parent.cell, pbc=True) for move in moves]
    first, *others = potential.evaluations([parent, *displaced])
    forces = np.array([evaluation.forces - first.forces for evaluation in others])
    return analyse(parent, moves, forces, problem)


def read_reference(problem: Problem) -> Findings | None:
    """Modes of labelled frames of displaced atoms in the cell of the structure (`softfix sample --recipe phonon`)."""
    return None if problem.reference is None else analyse(*_labelled(problem), problem)


def compare(own: Findings, reference: Findings) -> list[Value]:
    """Error of all frequencies, and how much of the reference's softest level lies in the own one."""
    mine, other = own.arrays, reference.arrays
    error = np.sqrt(np.mean((mine["frequencies"] - other["frequencies"]) ** 2))
    one, its = (_softest(found["frequencies"], found["vectors"]) for found in (mine, other))
    overlap = np.linalg.norm(one.T @ its) ** 2 / its.shape[1]
    return [
        Value("frequency error (rms)", "THz", float(error)),
        Value("overlap with the soft modes of the reference", "", float(overlap)),
    ]


def analyse(parent: Atoms, moves: np.ndarray, forces: np.ndarray, problem: Problem) -> Findings:
    """From displacements (Å) and forces (eV/Å), both (cells, atoms, 3), to the modes of the cell."""
    constants = fitted(parent, moves, forces, np.eye(3)).force_constants
    frequencies, vectors = modes(np.asarray(constants), parent.get_masses())
    soft = _softest(frequencies, vectors).shape[1]
    values = [
        Value("softest frequency", "THz", float(frequencies[:soft].mean())),
        Value("degeneracy of the softest frequency", "", float(soft)),
        Value("unstable modes", "", float(np.count_nonzero(frequencies < UNSTABLE))),
        Value("highest frequency", "THz", float(frequencies[-1])),
    ]
    number = np.arange(1.0, len(frequencies) + 1.0)
    drawings = [Drawing("soft-modes", "mode", "frequency, THz (imaginary below 0)", [(number, frequencies)], "points")]
    if (given := problem.settings.born_charges) is not None:
        charges = mode_charges(charges_of(problem.structures[0], given), vectors, parent.get_masses())
        values.append(Value("effective charge of the softest modes", "e", float(charges[:soft].mean())))
        drawings.append(
            Drawing("mode-charges", "frequency, THz", "effective charge, e", [(frequencies, charges)], "points")
        )
    return Findings(values, drawings, arrays={"frequencies": frequencies, "vectors": vectors})


def modes(constants: np.ndarray, masses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Optical zone-centre modes of a cell, the softest first.

    Args:
        constants: (atoms, atoms, 3, 3) eV/Å^2.
        masses: (atoms,) u.

    Returns:
        Frequencies (3 atoms - 3,) in THz, imaginary ones negative, and eigenvectors (3 atoms, 3 atoms - 3) of unit
        length.
    """
    translations = np.kron(np.sqrt(masses / masses.sum())[:, None], np.eye(3))
    others = np.linalg.svd(translations, full_matrices=True)[0][:, 3:]
    squares, vectors = np.linalg.eigh(others.T @ dynamical_matrix(constants, masses) @ others)
    return np.sign(squares) * np.sqrt(np.abs(squares)) * THZ, others @ vectors


def mode_charges(charges: np.ndarray, vectors: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Effective charge in e of each mode, a column of `vectors`."""
    moved = vectors / np.repeat(np.sqrt(masses), 3)[:, None]
    dipoles = charges.transpose(1, 0, 2).reshape(3, -1) @ moved
    return np.linalg.norm(dipoles, axis=0) / np.linalg.norm(moved, axis=0)


def _softest(frequencies: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Eigenvectors of the lowest level."""
    return vectors[:, frequencies < frequencies[0] + LEVEL]


def _labelled(problem: Problem) -> tuple[Atoms, np.ndarray, np.ndarray]:
    """Parent, displacements and forces of the reference; forces of a frame of the parent itself are subtracted."""
    structure, frames = problem.structures[0], read_frames(problem.reference)  # type: ignore[arg-type]  # asked before
    require_same_atoms([structure, *frames])
    moves, forces = [], []
    for frame in frames:
        if frame.forces is None:
            raise SoftfixError(f"{frame.source} has no forces, which soft modes come from: label it first.")
        if np.abs(frame.cell - structure.cell).max() > SAME_CELL:
            raise SoftfixError(
                f"{frame.source} has another cell than {structure.source}: give atoms displaced in the cell of the "
                "structure (softfix sample --recipe phonon)."
            )
        moves.append(displacements(structure, atoms_of(frame)))
        forces.append(frame.forces)
    return atoms_of(structure), *_displaced(np.array(moves), np.array(forces), frames)


def _displaced(moves: np.ndarray, forces: np.ndarray, frames: Sequence[Frame]) -> tuple[np.ndarray, np.ndarray]:
    """Those that are, with the forces of those that are not taken off."""
    still = np.abs(moves).max(axis=(1, 2)) < SAME_CELL
    if still.all():
        raise SoftfixError(f"{frames[0].source}: no atom is displaced from the structure: nothing tells of its modes.")
    rest = forces[still].mean(axis=0) if still.any() else 0.0
    return moves[~still], forces[~still] - rest


PROPERTY = Property("soft-modes", "Soft modes", SoftModeSettings, measure, read_reference, compare)
