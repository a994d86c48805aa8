"""What a correction adds to an evaluation of its base, and how sure it is: NumPy in, NumPy out, no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from softfix.core.energy import evaluate
from softfix.core.graph import pad
from softfix.core.precision import in_float64
from softfix.correction import Correction
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation
from softfix.neighbours import neighbour_graph
from softfix.problem import VOIGT, counts_of, rows_of, species_of


def corrected(
    correction: Correction,
    frames: Sequence[Frame],
    base: Sequence[Evaluation],
    track: Callable[[Iterable], Iterable] = iter,
) -> list[Evaluation]:
    """Corrected energy, forces and stress of every frame; those with a reference as differences."""
    results = []
    for frame, evaluation in zip(track(frames), base, strict=True):
        change = correct(correction, frame, evaluation)
        if frame.reference is not None:
            nothing = Evaluation(0.0, np.zeros_like(evaluation.forces), None)
            change = change - correct(correction, frame.reference, nothing)
        stress = None if change.stress is None or evaluation.stress is None else evaluation.stress + change.stress
        results.append(Evaluation(evaluation.energy + change.energy, evaluation.forces + change.forces, stress))
    return results


@in_float64
def correct(correction: Correction, frame: Frame, base: Evaluation) -> Evaluation:
    """What the correction adds to the base: energy in eV, forces in eV/Å, stress in eV/Å^3.

    Atoms of elements outside the fit get nothing and count as absent; where there are any, the scale is off.
    """
    basis, elements = correction.basis, correction.elements
    known = np.isin(frame.numbers, elements)
    counts = counts_of(frame.numbers, elements)
    scale = correction.scale if known.all() else 0.0
    energy = scale * (base.energy - float(counts @ correction.reference_energies)) + float(counts @ correction.offsets)
    forces = scale * base.forces
    stress = None if base.stress is None else scale * base.stress
    if known.any() and correction.weights.any():
        species = species_of(frame.numbers[known], elements)
        graph = neighbour_graph(species, frame.positions[known], frame.cell, frame.pbc, basis.cutoff)
        result = evaluate(basis, correction.weights, correction.gate, pad(graph, basis.cutoff))
        energy += float(result.energy)
        forces[known] += np.asarray(result.forces)[: len(species)]
        if stress is not None:
            stress = stress + np.asarray(result.strain)[VOIGT] / frame.volume
    return Evaluation(energy, forces, stress)


def uncertainty(correction: Correction, frame: Frame, base: Evaluation) -> tuple[float, np.ndarray, np.ndarray | None]:
    """One standard deviation of energy (eV), forces and stress, from the posterior of the weights.

    The composition offsets are left out: they are one constant per composition, the same for all its structures.
    """
    known = np.isin(frame.numbers, correction.elements)
    part = replace(frame, numbers=frame.numbers[known], positions=frame.positions[known])
    part_base = Evaluation(base.energy, base.forces[known], base.stress)
    (rows,) = rows_of(
        correction.basis, (correction.gate,), correction.elements, part, part_base, correction.reference_energies
    )
    root = correction.covariance_root.copy()
    if not known.all():
        root[:, 0] = 0.0  # the scale is off
    root[:, 1 : 1 + len(correction.elements)] = 0.0
    forces = np.zeros_like(base.forces)
    forces[known] = np.linalg.norm(rows.forces @ root.T, axis=-1)
    stress = None if rows.stress is None or base.stress is None else np.linalg.norm(rows.stress @ root.T, axis=-1)
    return float(np.linalg.norm(root @ rows.energy)), forces, stress
