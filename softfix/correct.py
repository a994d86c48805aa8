"""What a correction adds to an evaluation of its base, and how sure it is: NumPy in, NumPy out, no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from softfix.bases.sites import Sites, has_sites
from softfix.core.energy import Result, evaluate, fence_slope
from softfix.core.gate import openness
from softfix.core.graph import Neighbours
from softfix.core.precision import in_float64
from softfix.correction import Correction
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation, EvaluationCache, atoms_of, evaluate_base
from softfix.neighbours import Search
from softfix.rows import VOIGT, counts_of, rows_of, surroundings
from softfix.species import species_of

if TYPE_CHECKING:
    from softfix.bases.protocol import Base


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
    shares, search = shares_of(base), Search(correction.basis.cutoff)
    results = []
    for frame, evaluation in zip(track(frames), evaluate_base(base, frames, cache), strict=True):
        change = correct(correction, frame, evaluation, shares, search)
        if frame.reference is not None:
            nothing = Evaluation(0.0, np.zeros_like(evaluation.forces), None)
            change = change - correct(correction, frame.reference, nothing, shares, search)
        stress = None if change.stress is None or evaluation.stress is None else evaluation.stress + change.stress
        results.append(Evaluation(evaluation.energy + change.energy, evaluation.forces + change.forces, stress))
    return results


def shares_of(base: Base) -> Shares | None:
    """Site energies of a base as a function, None where it cannot tell them; the first call builds its calculator."""
    if not has_sites(base):
        return None
    calculator = lru_cache(base.calculator)
    return lambda frame, weights: base.sites(calculator(), atoms_of(frame), weights)


@dataclass(frozen=True, eq=False)
class Change:
    """What the geometry alone decides of a correction; JAX's threads work on `result` until it is read."""

    near: Neighbours
    atoms: int
    result: Result
    fenced: bool  # whether the fence can keep the scale off an atom

    @cached_property
    def behind(self) -> np.ndarray | None:
        """(atoms,) 1 - h_i where the fence keeps the scale off an atom; None where it does not. Waits for `result`."""
        behind = 1.0 - np.asarray(self.result.fence)[: self.atoms]
        return behind if self.fenced and behind.any() else None


@in_float64
def change_of(correction: Correction, frame: Frame, search: Search | None = None) -> Change | None:
    """The part of a correction that needs no base; None where nothing but offsets is added to the base.

    A structure that holds an element outside the fit is left to the base, exactly: the weights know nothing of such
    neighbours.

    Args:
        correction: see `fit`.
        frame: structure.
        search: of neighbours, kept from structure to structure; a new one by default.
    """
    if not _is_known(correction, frame) or not (correction.scale or correction.weights.any()):
        return None
    species = species_of(frame.numbers, correction.elements, correction.basis.species)
    search = search or Search(correction.basis.cutoff)
    near = search.table(species, frame.positions, frame.cell, frame.pbc)
    result = evaluate(correction.basis, correction.weights, correction.gate, near, len(species))
    fenced = bool(correction.scale) and correction.gate is not None and correction.site_energies is not None
    return Change(near, len(species), result, fenced)


def correct(
    correction: Correction, frame: Frame, base: Evaluation, shares: Shares | None, search: Search | None = None
) -> Evaluation:
    """What the correction adds to the base: energy in eV, forces in eV/Å, stress in eV/Å^3.

    Atoms behind the fence get nothing; `shares` takes their part out of the scale, if the base has site energies.
    """
    change = change_of(correction, frame, search)
    if change is None or change.behind is None or shares is None:
        return add_scaled(correction.scale if change else 0.0, base, beside(correction, frame, change, base.energy))
    sites = shares(frame, 1.0 - change.behind)
    return add_scaled(correction.scale, sites, beside(correction, frame, change, base.energy, sites.energies))


@in_float64
def beside(
    correction: Correction, frame: Frame, change: Change | None, energy: float, sites: np.ndarray | None = None
) -> Evaluation:
    """All that the correction adds, less the slopes of the base in its scale term.

    Args:
        correction: see `fit`.
        frame: structure.
        change: see `change_of`.
        energy: of the base in eV.
        sites: (atoms,) site energies of the base in eV, where the fence keeps the scale off an atom.
    """
    if change is None:
        offset = float(counts_of(frame.numbers, correction.elements) @ correction.offsets)
        return Evaluation(offset if _is_known(correction, frame) else 0.0, np.zeros((len(frame), 3)), np.zeros(6))
    counts, scale = counts_of(frame.numbers, correction.elements), correction.scale
    total = float(change.result.energy) + float(counts @ correction.offsets)
    total += scale * (energy - float(counts @ correction.reference_energies))
    forces, strain = np.asarray(change.result.forces)[: len(frame)], np.asarray(change.result.strain)
    if sites is not None and change.behind is not None and correction.site_energies is not None and correction.gate:
        excess = sites - correction.site_energies[np.searchsorted(correction.elements, frame.numbers)]
        padded = np.pad(excess, (0, len(change.near.species) - len(excess)))
        fence = fence_slope(correction.basis, correction.gate, padded, change.near, len(frame))
        total -= scale * float(change.behind @ excess)
        forces = forces + scale * np.asarray(fence.forces)[: len(frame)]
        strain = strain + scale * np.asarray(fence.strain)
    return Evaluation(total, forces, strain[VOIGT] / frame.volume if frame.volume > 0.0 else None)


def add_scaled(factor: float, slopes: Evaluation | Sites, rest: Evaluation) -> Evaluation:
    """`rest` with its forces and stress increased by a multiple of those of a base."""
    stress = None if slopes.stress is None or rest.stress is None else rest.stress + factor * slopes.stress
    return Evaluation(rest.energy, rest.forces + factor * slopes.forces, stress)


def _is_known(correction: Correction, frame: Frame) -> bool:
    return bool(np.isin(frame.numbers, correction.elements).all())


class Uncertainty(NamedTuple):
    """One standard deviation of the difference between corrected potential and DFT."""

    energy: float  # eV, of the whole structure, up to composition offsets
    forces: np.ndarray  # (atoms, 3) eV/Å
    stress: np.ndarray | None  # (6,) eV/Å^3


@in_float64
def uncertainty(correction: Correction, frame: Frame, base: Evaluation, corrected_forces: np.ndarray) -> Uncertainty:
    """How far DFT is expected from the corrected potential: posterior of the weights, noise, and where it is closed.

    Posterior and noise are scaled so that the errors on frames left out are as large as they say, of energies, forces
    and stresses each. Where the gate is closed, and in structures with elements outside the fit, the error is that of
    the base. The composition offsets are left out: they are one constant per composition, the same for all its
    structures.

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
    if _is_known(correction, frame):
        opened = _openness(correction, frame)
        fenced = Evaluation(base.energy, opened[:, None] * base.forces, base.stress)
        (rows,) = rows_of(correction.basis, (correction.gate,), elements, frame, fenced, correction.reference_energies)
        energy += float(np.sum((root @ rows.energy) ** 2))
        forces += np.sum((rows.forces @ root.T) ** 2, axis=-1)
        if rows.stress is not None:
            stress += np.sum((rows.stress @ root.T) ** 2, axis=-1)
    of_base = growth * ((1.0 - opened)[:, None] * record.base_force_error_eV_A) ** 2
    behind = float(np.sum(1.0 - opened)) * record.base_energy_error_eV_atom
    return Uncertainty(
        energy=float(np.hypot((record.calibration_energy or record.calibration) * np.sqrt(energy), behind)),
        forces=np.sqrt(record.calibration**2 * forces + of_base),
        stress=None if base.stress is None else (record.calibration_stress or record.calibration) * np.sqrt(stress),
    )


def _openness(correction: Correction, frame: Frame) -> np.ndarray:
    """Gate of every atom of a frame that holds elements of the fit alone."""
    if correction.gate is None:
        return np.ones(len(frame))
    phi, species = surroundings(correction.basis, correction.elements, frame)
    return np.asarray(openness(correction.basis, correction.gate, phi, species))
