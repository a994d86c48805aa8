"""From a labelled frame and its base evaluation to the rows of the linear model.

Columns: the softening scale c - 1, one composition offset per element, then the feature weights.
Rows: energy per atom (eV/atom), forces (eV/Å), stress (eV/Å^3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softfix.core.basis import Basis
from softfix.core.design import design_rows
from softfix.core.gate import Gate, Spread, spread_of
from softfix.core.graph import pad
from softfix.core.invariants import invariants
from softfix.core.precision import in_float64
from softfix.core.statistics import KINDS, Statistics, of_rows
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation
from softfix.neighbours import neighbour_graph

VOIGT = ((0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1))  # xx yy zz yz xz xy


@dataclass(frozen=True, eq=False)
class Rows:
    """Design rows of one structure, for the columns above."""

    energy: np.ndarray  # (columns,) eV
    forces: np.ndarray  # (atoms, 3, columns) eV/Å
    stress: np.ndarray | None  # (6, columns) eV/Å^3; None without a volume


def species_of(numbers: np.ndarray, elements: tuple[int, ...]) -> np.ndarray:
    """Index of each atom's element; elements must hold all of them."""
    return np.searchsorted(np.asarray(elements), numbers)


def counts_of(numbers: np.ndarray, elements: tuple[int, ...]) -> np.ndarray:
    """Number of atoms of each element."""
    return np.array([np.count_nonzero(numbers == z) for z in elements], dtype=np.float64)


@in_float64
def rows_of(
    basis: Basis, gate: Gate | None, elements: tuple[int, ...], frame: Frame, base: Evaluation, reference: np.ndarray
) -> Rows:
    """Rows of a frame; of a frame with a reference structure, the difference of both."""
    if frame.reference is not None:
        rows = _structure_rows(basis, gate, elements, frame, base, reference)
        zero = Evaluation(0.0, np.zeros_like(base.forces), None)
        perfect = _structure_rows(basis, gate, elements, frame.reference, zero, np.zeros_like(reference))
        return Rows(rows.energy - perfect.energy, rows.forces - perfect.forces, rows.stress)
    return _structure_rows(basis, gate, elements, frame, base, reference)


def _structure_rows(
    basis: Basis, gate: Gate | None, elements: tuple[int, ...], frame: Frame, base: Evaluation, reference: np.ndarray
) -> Rows:
    species = species_of(frame.numbers, elements)
    counts = counts_of(frame.numbers, elements)
    graph = neighbour_graph(species, frame.positions, frame.cell, frame.pbc, basis.cutoff)
    features = design_rows(basis, gate, pad(graph, basis.cutoff))
    energy = np.concatenate([[base.energy - counts @ reference], counts, np.asarray(features.energy)])
    forces = np.zeros((len(frame), 3, len(energy)))
    forces[..., 0] = base.forces
    forces[..., 1 + len(elements) :] = np.asarray(features.forces)[: len(frame)]
    stress = None
    if frame.volume > 0.0:
        stress = np.zeros((6, len(energy)))
        stress[:, 0] = 0.0 if base.stress is None else base.stress
        stress[:, 1 + len(elements) :] = np.asarray(features.strain)[VOIGT] / frame.volume
    return Rows(energy, forces, stress)


@in_float64
def spread_of_frame(basis: Basis, elements: tuple[int, ...], frame: Frame) -> Spread:
    """What the gate needs to know of a frame's surroundings."""
    species = species_of(frame.numbers, elements)
    graph = neighbour_graph(species, frame.positions, frame.cell, frame.pbc, basis.cutoff)
    phi = np.asarray(invariants(basis, pad(graph, basis.cutoff)))[: len(frame)]
    return spread_of(basis, phi, species)


@in_float64
def statistics_of(
    rows: Rows, frame: Frame, base: Evaluation, offsets: np.ndarray, elements: tuple[int, ...],
    labels: frozenset[str], force_scale: float, stress_trust: float,
) -> Statistics:  # fmt: skip
    """Sufficient statistics of one frame: label minus base minus first offsets, each row weighted.

    The weight of a force falls as 1 / (1 + |F|^2 / force_scale^2): noise grows with the force. Where a stress label
    is missing, the base's stress is trusted to `stress_trust` (eV/Å^3): forces alone leave the correction's pressure
    undetermined, and nothing else would keep it small.
    """
    atoms = len(frame)
    padded = len(rows.forces) * 3 + 7
    X, y = np.zeros((padded, len(rows.energy))), np.zeros(padded)
    weight, kind = np.ones(padded), np.zeros((len(KINDS), padded))
    n = 3 * atoms
    if frame.forces is not None and "forces" in labels:
        X[:n], y[:n] = rows.forces.reshape(n, -1), (frame.forces - base.forces).reshape(n)
        weight[:n] = np.repeat(1.0 / (1.0 + np.sum(frame.forces**2, axis=1) / force_scale**2), 3)
        kind[KINDS.index("forces"), :n] = 1.0
    if frame.energy is not None and "energy" in labels and frame.reference is None:
        shift = counts_of(frame.numbers, elements) @ offsets
        X[n], y[n] = rows.energy / atoms, (frame.energy - base.energy - shift) / atoms
        kind[KINDS.index("energy"), n] = 1.0
    if frame.stress is not None and base.stress is not None and rows.stress is not None and "stress" in labels:
        X[n + 1 :], y[n + 1 :] = rows.stress, frame.stress - base.stress
        kind[KINDS.index("stress"), n + 1 :] = 1.0
    elif rows.stress is not None:
        X[n + 1 :], weight[n + 1 :] = rows.stress, 1.0 / stress_trust**2
        kind[KINDS.index("trust"), n + 1 :] = 1.0
    return of_rows(X, y, weight, kind)


def composition_offsets(counts: np.ndarray, energies: np.ndarray) -> np.ndarray:
    """Energy per element that explains total energies best; the shortest such vector where it is not unique.

    Args:
        counts: (frames, elements) numbers of atoms.
        energies: (frames,) eV.
    """
    if len(energies) == 0:
        return np.zeros(counts.shape[1])
    atoms = counts.sum(axis=1)
    return np.linalg.lstsq(counts / atoms[:, None], energies / atoms, rcond=1e-8)[0]
