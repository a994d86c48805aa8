"""What a correction adds to an evaluation of its base, and how sure it is: NumPy in, NumPy out, no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from softfix.bases.sites import Sites, has_sites
from softfix.core.energy import evaluate, fence_slope
from softfix.core.gate import Gate, openness
from softfix.core.graph import Graph, pad
from softfix.core.precision import in_float64
from softfix.correction import Correction
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation, EvaluationCache, atoms_of, evaluate_base
from softfix.neighbours import neighbour_graph
from softfix.problem import VOIGT, counts_of, rows_of, species_of, surroundings

if TYPE_CHECKING:
    from softfix.bases.protocol import Base
    from softfix.core.basis import Basis


Shares = Callable[[Frame, np.ndarray], Sites]  # site energies of a structure, slopes of their weighted sum


def corrected(
    correction: Correction,
    frames: Sequence[Frame],
    base: Base,
    cache: EvaluationCache | None = None,
    track: Callable[[Iterable], Iterable] = iter,
) -> list[Evaluation]:
    """Corrected energy, forces and stress of every frame; those with a reference as differences.

    Args:
        correction: see `fit`.
        frames: structures to evaluate.
        base: the one that was fitted; evaluated where the cache lacks a frame, or the softening scale is fenced off.
        cache: of base evaluations.
        track: wraps the frames, e.g. in a progress bar.
    """
    shares = shares_of(base)
    results = []
    for frame, evaluation in zip(track(frames), evaluate_base(base, frames, cache), strict=True):
        change = correct(correction, frame, evaluation, shares)
        if frame.reference is not None:
            nothing = Evaluation(0.0, np.zeros_like(evaluation.forces), None)
            change = change - correct(correction, frame.reference, nothing, shares)
        stress = None if change.stress is None or evaluation.stress is None else evaluation.stress + change.stress
        results.append(Evaluation(evaluation.energy + change.energy, evaluation.forces + change.forces, stress))
    return results


def shares_of(base: Base) -> Shares | None:
    """Site energies of a base as a function, None where it cannot tell them; the first call builds its calculator."""
    if not has_sites(base):
        return None
    calculator = lru_cache(base.calculator)
    return lambda frame, weights: base.sites(calculator(), atoms_of(frame), weights)


@in_float64
def correct(correction: Correction, frame: Frame, base: Evaluation, shares: Shares | None) -> Evaluation:
    """What the correction adds to the base: energy in eV, forces in eV/Å, stress in eV/Å^3.

    A structure that holds an element outside the fit is left to the base, exactly: the weights know nothing of such
    neighbours. Atoms behind the fence get nothing either; `shares` takes their part out of the scale, if the base has
    site energies.
    """
    basis, elements = correction.basis, correction.elements
    if not np.isin(frame.numbers, elements).all():
        return Evaluation(0.0, np.zeros_like(base.forces), None if base.stress is None else np.zeros(6))
    counts, scale = counts_of(frame.numbers, elements), correction.scale
    energy = scale * (base.energy - float(counts @ correction.reference_energies)) + float(counts @ correction.offsets)
    forces = scale * base.forces
    stress = None if base.stress is None else scale * base.stress
    if correction.weights.any() or scale:
        species = species_of(frame.numbers, elements)
        graph = pad(neighbour_graph(species, frame.positions, frame.cell, frame.pbc, basis.cutoff), basis.cutoff)
        result = evaluate(basis, correction.weights, correction.gate, graph)
        energy += float(result.energy)
        forces = forces + np.asarray(result.forces)[: len(species)]
        if stress is not None:
            stress = stress + np.asarray(result.strain)[VOIGT] / frame.volume
        behind = 1.0 - np.asarray(result.fence)[: len(species)]
        gate, reference = correction.gate, correction.site_energies
        if scale and shares is not None and gate is not None and reference is not None and behind.any():
            sites = shares(frame, behind)
            outside = _outside(basis, gate, frame, graph, behind, sites, sites.energies - reference[species])
            energy -= scale * outside.energy
            forces = forces - scale * outside.forces
            if stress is not None and outside.stress is not None:
                stress = stress - scale * outside.stress
    return Evaluation(energy, forces, stress)


def _outside(
    basis: Basis, gate: Gate, frame: Frame, graph: Graph, behind: np.ndarray, sites: Sites, energies: np.ndarray
) -> Evaluation:
    """The part of E_base - E_ref behind the fence, sum_i (1 - h_i)(e_i - e_z), and its slopes."""
    padded = np.pad(energies, (0, len(graph.species) - len(energies)))
    fence = fence_slope(basis, gate, padded, graph)
    stress = None
    if sites.stress is not None and frame.volume > 0.0:
        stress = sites.stress - np.asarray(fence.strain)[VOIGT] / frame.volume
    forces = sites.forces - np.asarray(fence.forces)[: len(energies)]
    return Evaluation(float(behind @ energies), forces, stress)


class Uncertainty(NamedTuple):
    """One standard deviation of the difference between corrected potential and DFT."""

    energy: float  # eV, of the whole structure, up to composition offsets
    forces: np.ndarray  # (atoms, 3) eV/Å
    stress: np.ndarray | None  # (6,) eV/Å^3


@in_float64
def uncertainty(correction: Correction, frame: Frame, base: Evaluation, corrected_forces: np.ndarray) -> Uncertainty:
    """How far DFT is expected from the corrected potential: posterior of the weights, noise, and where it is closed.

    Posterior and noise are scaled so that the errors on frames left out are as large as they say. Where the gate is
    closed, and in structures with elements outside the fit, the error is that of the base. The composition offsets are
    left out: they are one constant per composition, the same for all its structures.

    Args:
        correction: see `fit`.
        frame: structure.
        base: what the base gives for it.
        corrected_forces: (atoms, 3) eV/Å; large forces have larger errors.
    """
    record, elements = correction.fit, correction.elements
    opened, root = np.zeros(len(frame)), correction.covariance_root.copy()
    root[:, 1 : 1 + len(elements)] = 0.0
    energy, forces, stress = (
        (len(frame) * record.noise["energy_eV_atom"]) ** 2,
        np.full_like(base.forces, record.noise["forces_eV_A"] ** 2),
        np.full(6, record.noise["stress_eV_A3"] ** 2),
    )
    growth = 1.0 + np.sum(corrected_forces**2, axis=1, keepdims=True) / record.force_scale_eV_A**2
    forces *= growth
    if np.isin(frame.numbers, elements).all():
        opened = _openness(correction, frame)
        fenced = Evaluation(base.energy, opened[:, None] * base.forces, base.stress)
        (rows,) = rows_of(correction.basis, (correction.gate,), elements, frame, fenced, correction.reference_energies)
        energy += float(np.sum((root @ rows.energy) ** 2))
        forces += np.sum((rows.forces @ root.T) ** 2, axis=-1)
        if rows.stress is not None:
            stress += np.sum((rows.stress @ root.T) ** 2, axis=-1)
    of_base = growth * ((1.0 - opened)[:, None] * record.base_force_error_eV_A) ** 2
    factor = record.calibration
    return Uncertainty(
        energy=factor * float(np.sqrt(energy)),
        forces=np.sqrt(factor**2 * forces + of_base),
        stress=None if base.stress is None else factor * np.sqrt(stress),
    )


def _openness(correction: Correction, frame: Frame) -> np.ndarray:
    """Gate of every atom of a frame that holds elements of the fit alone."""
    if correction.gate is None:
        return np.ones(len(frame))
    phi, species = surroundings(correction.basis, correction.elements, frame)
    return np.asarray(openness(correction.basis, correction.gate, phi, species))
