"""The fit: frames and base evaluations in, a correction out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from softfix.candidate import ENERGY, Candidate, fit_candidates
from softfix.choice import best_of, is_harmful, none_of, tells_of_itself
from softfix.compiled import keep_compiled
from softfix.correction import Correction, DataRecord, FitRecord
from softfix.data.check import SoftfixWarning
from softfix.data.frames import data_digest
from softfix.doctor.stress import shear_order, stress_units
from softfix.doctor.subject import Subject
from softfix.errors import SoftfixError
from softfix.evaluations import Evaluation, EvaluationCache, evaluate_base
from softfix.prior import ABSENT, GROUPS, anchors_each, choose_basis
from softfix.problem import Problem
from softfix.rows import anchored, composition_offsets, counts_of, robust_offsets
from softfix.settings import FitSettings
from softfix.species import fewest
from softfix.trusted import made_of

if TYPE_CHECKING:
    from softfix.bases.protocol import Base
    from softfix.core.basis import Basis
    from softfix.data.frames import Frame
    from softfix.workers import Workers

WILD = 10.0  # standard deviations of what separates labels from the base beyond which an energy is a mistake
SAME = 0.003  # eV/atom, the least that they count as: frames that are alike scatter by little
UNTOLD = 500  # frames up to which what they tell of one element may be missing of another like it
LOOKED_AT = 200  # frames whose stresses are compared with the base's before a fit


@dataclass(frozen=True, eq=False)
class FitResult:
    """A correction and how its fit went."""

    correction: Correction
    converged: bool
    status: str  # one sentence
    evaluations: list[Evaluation]  # of the base, frame by frame


def fit(
    frames: Sequence[Frame], base: Base | str, settings: FitSettings | None = None,
    cache: EvaluationCache | None = None, track: Callable[[Iterable], Iterable] = iter,
    workers: Workers | None = None,
) -> FitResult:  # fmt: skip
    """Fit a correction of `base` to labelled frames by Bayesian linear regression with evidence.

    Args:
        frames: labelled structures; labels that are missing are not fitted.
        base: a base or its spec.
        settings: see `FitSettings`; the defaults suit 1 to 100 frames.
        cache: of base evaluations.
        track: wraps the frames while the base evaluates them, e.g. in a progress bar.
        workers: who evaluates the base and, where they are many, goes through the frames; this process by default.

    Raises:
        SoftfixError: for no frames, an element that the base does not know, or labels that explain nothing.

    Warns:
        SoftfixWarning: if the base tells for certain that stresses have another unit, sign or order; they are left out.
    """
    from softfix.bases import load_base

    keep_compiled()
    settings = settings or FitSettings()
    base = load_base(base)
    if not frames:
        raise SoftfixError("There are no frames to fit.")
    made = made_of(frames, settings.trust)
    found = evaluate_base(base, [*frames, *made.frames], cache, track, "scale" in settings.terms, workers)
    evaluations = found[: len(frames)]
    trusted = made.evaluated(list(zip(frames, evaluations, strict=True)), found[len(frames) :])
    if "stress" in settings.labels and _are_stresses_wrong(frames[:LOOKED_AT], evaluations[:LOOKED_AT]):
        settings = settings.model_copy(update={"labels": settings.labels - {"stress"}})
    elements = tuple(sorted({int(z) for frame in frames for z in frame.numbers}))
    reference, offsets, scatter = _references(frames, evaluations, elements)
    basis = _basis(len(elements), elements, frames, settings)
    problem = Problem(
        basis, elements, frames, evaluations, reference, offsets, settings, trusted, WILD * max(scatter, SAME)
    )
    candidates = fit_candidates(problem, workers)
    best = best_of(candidates, len(frames))
    if _may_share(problem, best):
        basis = _basis(fewest(elements), elements, frames, settings)
        candidates += fit_candidates(replace(problem, basis=basis), workers)
        best = best_of(candidates, len(frames))
    chosen = none_of(best) if is_harmful(best, problem) and settings.domain == "auto" else best
    scale, shift, weights = np.split(chosen.posterior.mean, [1, 1 + len(elements)])
    steps = int(chosen.hyperparameters.steps)
    converged = steps < settings.max_steps
    correction = Correction(
        base=base.identity,
        elements=elements,
        basis=chosen.basis,
        scale=float(scale[0]),
        reference_energies=reference,
        offsets=np.zeros_like(offsets) if chosen.domain == "none" else offsets + shift,
        weights=weights.reshape(chosen.basis.species, chosen.basis.features),
        covariance_root=chosen.posterior.root,
        data=_data_record(frames),
        fit=_fit_record(problem, candidates, best, chosen),
        gate=chosen.gate,
        site_energies=_site_energies(frames, evaluations, elements),
    )
    return FitResult(correction, converged, correction.fit.status, evaluations)


def _basis(species: int, elements: tuple[int, ...], frames: Sequence[Frame], settings: FitSettings) -> Basis:
    """Functions for each element, or for fewer species where alike elements share them."""
    return anchored(choose_basis(species, settings), elements, frames, anchors_each(species, settings))


def _may_share(problem: Problem, own: Candidate) -> bool:
    """Whether some elements are alike, and functions of each alone do not foretell what is left out of the frames."""
    some = problem.settings.basis.alike and fewest(problem.elements) < len(problem.elements)
    missed = own.held_out is not None and not own.is_foretold
    return some and missed and len(problem.frames) <= UNTOLD


def _are_stresses_wrong(frames: Sequence[Frame], evaluations: Sequence[Evaluation]) -> bool:
    """Whether the base tells for certain that stresses have another unit, sign or order; says so."""
    subject = Subject(frames, evaluations)
    certain = [found for found in [*stress_units(subject), *shear_order(subject)] if found.sure == "certain"]
    for found in certain:
        warnings.warn(f"{found.what} The fit leaves them out. {found.advice}", SoftfixWarning, stacklevel=3)
    return bool(certain)


def _references(
    frames: Sequence[Frame], evaluations: Sequence[Evaluation], elements: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Per element the base's mean energy (E_ref of the scale term) and first offsets; what these leave, eV/atom."""
    absolute = [k for k, frame in enumerate(frames) if frame.reference is None]
    counts = np.array([counts_of(frames[k].numbers, elements) for k in absolute]).reshape(-1, len(elements))
    base = np.array([evaluations[k].energy for k in absolute])
    reference = composition_offsets(counts, base)
    labelled = [i for i, k in enumerate(absolute) if frames[k].energy is not None]
    dft = np.array([frames[absolute[i]].energy for i in labelled], dtype=np.float64)
    return reference, *robust_offsets(counts[labelled], dft - base[labelled])


def _site_energies(
    frames: Sequence[Frame], evaluations: Sequence[Evaluation], elements: tuple[int, ...]
) -> np.ndarray | None:
    """Mean site energy of every element, None where the base has none."""
    if any(evaluation.sites is None for evaluation in evaluations):
        return None
    numbers = np.concatenate([frame.numbers for frame in frames])
    sites = np.concatenate([evaluation.sites for evaluation in evaluations if evaluation.sites is not None])
    return np.array([sites[numbers == z].mean() for z in elements])


def _data_record(frames: Sequence[Frame]) -> DataRecord:
    return DataRecord(
        frames=len(frames),
        atoms=sum(len(frame) for frame in frames),
        sha256=data_digest(frames),
        sources=sorted({frame.source.split(", frame")[0] for frame in frames}),
        labels_from=sorted({frame.labels_from for frame in frames}),
        levels_of_theory=sorted({frame.level for frame in frames if frame.level}),
    )


def _fit_record(problem: Problem, candidates: Sequence[Candidate], best: Candidate, chosen: Candidate) -> FitRecord:
    settings, hyperparameters = problem.settings, chosen.hyperparameters
    amplitude = dict(zip(GROUPS, map(float, hyperparameters.amplitude), strict=True))
    kinds = ("energy_eV_atom", "forces_eV_A", "stress_eV_A3")
    return FitRecord(
        status=_status(problem, candidates, best, chosen),
        terms=sorted(settings.terms),
        domain=chosen.domain,
        amplitude_eV={name: value for name, value in amplitude.items() if value > 2 * ABSENT},
        noise=dict(zip(kinds, map(float, hyperparameters.noise[:3]), strict=True)),
        force_scale_eV_A=settings.noise.force_scale,
        rows=dict(zip(("energy", "forces", "stress"), map(int, chosen.counts[:3]), strict=True)),
        log_evidence=float(hyperparameters.log_evidence),
        held_out=best.held_out_half,
        calibration=chosen.calibration.main,
        calibration_energy=chosen.calibration.energy,
        calibration_stress=chosen.calibration.stress,
        base_force_error_eV_A=chosen.base_force_error,
        base_energy_error_eV_atom=chosen.base_energy_error,
    )


def _status(problem: Problem, candidates: Sequence[Candidate], best: Candidate, chosen: Candidate) -> str:
    if chosen is not best and tells_of_itself(best, problem):
        return (
            "No correction: the base errs little in these few forces, and not as one too soft does, so that its error "
            "may be that of these structures alone. Add frames, or larger ones."
        )
    steps = int(best.hyperparameters.steps)
    said = f"The evidence {'was maximised in' if steps < problem.settings.max_steps else 'stopped at'} {steps} steps."
    noise = 1000.0 * float(best.hyperparameters.noise[ENERGY])
    if noise > 1001.0 * problem.settings.noise.energy:
        said += (
            f" Energies contradict the forces and are believed to {noise:.0f} meV/atom only: look for one that is "
            "wrong or comes from other settings of the DFT code."
        )
    held = best.held_out_half
    if held is None:
        return f"{said} One frame can't be left out: try the correction on another."
    others = [c for c in candidates if c is not best and c.held_out is not None]
    against = "".join(f", {_form(c, problem)} {c.held_out.corrected:.3g}" for c in others if c.held_out)
    errors = (
        f"Frames left out: {held.label} error (rms) {held.base:.3g} {held.unit} of the base, "
        f"{held.corrected:.3g} corrected ({_form(best, problem)}{against})."
    )
    if held.doubled is not None:
        errors += f" Half as many frames: {held.half:.3g}; twice as many would bring it to about {held.doubled:.2g}."
    return f"{said} {errors}" if chosen is best else f"No correction, the base is better. {errors}"


def _form(candidate: Candidate, problem: Problem) -> str:
    return candidate.domain + " and shared" * (candidate.basis.species < len(problem.elements))


def undetermined(frames: Sequence[Frame]) -> str | None:
    """What energies of these frames leave open, as a sentence; None where nothing is.

    One offset per element links the zero of the base to that of the DFT code. Frames of too few compositions fix only
    their sum, so that energies of other compositions stay off by a constant.
    """
    from ase.data import chemical_symbols

    absolute = [frame for frame in frames if frame.reference is None and frame.energy is not None]
    if not absolute:
        return "No frame has an energy: energies keep the zero of the base."
    elements = tuple(sorted({int(z) for frame in frames for z in frame.numbers}))
    shares = np.array([counts_of(frame.numbers, elements) / len(frame) for frame in absolute])
    rank = int(np.linalg.matrix_rank(shares, tol=1e-6))
    if rank == len(elements):
        return None
    names = ", ".join(chemical_symbols[z] for z in elements)
    return (
        f"The frames hold {rank} independent composition{'s' * (rank > 1)} of {names}: energies can be compared at "
        "those compositions alone."
    )
