"""The fit: frames and base evaluations in, a correction out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from softfix.core.basis import Basis
from softfix.core.evidence import Columns, Hyperparameters, Hyperprior, maximise, prior_std
from softfix.core.posterior import posterior
from softfix.core.precision import in_float64
from softfix.core.statistics import KINDS, Statistics, empty
from softfix.correction import Correction, DataRecord, FitRecord
from softfix.data.frames import data_digest
from softfix.errors import SoftfixError
from softfix.evaluations import Evaluation, EvaluationCache, evaluate_base
from softfix.problem import composition_offsets, counts_of, rows_of, statistics_of
from softfix.settings import FitSettings

if TYPE_CHECKING:
    from softfix.bases.protocol import Base
    from softfix.data.frames import Frame

GROUPS = ("scale", "offset", "pair", "three_body")
FIXED = 1e-3  # width of the logarithm of a hyperparameter that the evidence leaves alone
ABSENT = 1e-12  # prior amplitude of a term that is switched off


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
) -> FitResult:  # fmt: skip
    """Fit a correction of `base` to labelled frames by Bayesian linear regression with evidence.

    Args:
        frames: labelled structures; labels that are missing are not fitted.
        base: a base or its spec.
        settings: see `FitSettings`; the defaults suit 1 to 100 frames.
        cache: of base evaluations.
        track: wraps the frames while the base evaluates them, e.g. in a progress bar.

    Raises:
        SoftfixError: for no frames, an element that the base does not know, or labels that explain nothing.
    """
    from softfix.bases import load_base

    settings = settings or FitSettings()
    base = load_base(base)
    if not frames:
        raise SoftfixError("There are no frames to fit.")
    evaluations = evaluate_base(base, frames, cache, track)
    elements = tuple(sorted({int(z) for frame in frames for z in frame.numbers}))
    basis = choose_basis(len(elements), settings)
    reference, offsets = _references(frames, evaluations, elements)
    statistics = _accumulate(basis, elements, frames, evaluations, reference, offsets, settings)
    if not statistics.counts[: KINDS.index("trust")].any():
        raise SoftfixError("The frames hold none of the labels that are to be fitted: see `labels` in the settings.")
    columns = _columns(basis, settings)
    hyperparameters, mean, root = _solve(statistics, columns, _hyperprior(settings, statistics), settings.max_steps)
    weights = mean[1 + len(elements) :]
    finite = bool(np.isfinite(mean).all())
    if not finite:
        raise SoftfixError("The fit gave numbers that are not finite: check the frames for absurd labels.")
    converged = int(hyperparameters.steps) < settings.max_steps
    steps = int(hyperparameters.steps)
    status = f"The evidence was maximised in {steps} steps." if converged else f"The evidence stopped at {steps} steps."
    correction = Correction(
        base=base.identity,
        elements=elements,
        basis=basis,
        scale=float(mean[0]),
        reference_energies=reference,
        offsets=offsets + mean[1 : 1 + len(elements)],
        weights=weights.reshape(basis.species, basis.features),
        covariance_root=root,
        data=_data_record(frames),
        fit=_fit_record(settings, statistics, hyperparameters, status),
    )
    return FitResult(correction, converged, status, evaluations)


def choose_basis(species: int, settings: FitSettings) -> Basis:
    """Basis for a number of species: three-body functions as many as fit into max_columns."""
    chosen = settings.basis
    wanted = chosen.three_count if "three_body" in settings.terms else 0
    for three_count in range(wanted, -1, -1):
        basis = Basis(species, chosen.pair_cutoff, chosen.pair_count, chosen.three_cutoff, three_count, chosen.l_max)
        if basis.columns <= chosen.max_columns or three_count == 0:
            return basis
    raise AssertionError("range always ends at 0")


def _references(
    frames: Sequence[Frame], evaluations: Sequence[Evaluation], elements: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Per element: the base's mean energy (E_ref of the scale term), and the first estimate of the offsets."""
    absolute = [k for k, frame in enumerate(frames) if frame.reference is None]
    counts = np.array([counts_of(frames[k].numbers, elements) for k in absolute]).reshape(-1, len(elements))
    base = np.array([evaluations[k].energy for k in absolute])
    reference = composition_offsets(counts, base)
    labelled = [i for i, k in enumerate(absolute) if frames[k].energy is not None]
    dft = np.array([frames[absolute[i]].energy for i in labelled], dtype=np.float64)
    return reference, composition_offsets(counts[labelled], dft - base[labelled])


def _accumulate(basis, elements, frames, evaluations, reference, offsets, settings) -> Statistics:
    total = _empty(1 + len(elements) + basis.columns)
    for frame, base in zip(frames, evaluations, strict=True):
        rows = rows_of(basis, elements, frame, base, reference)
        noise = settings.noise
        part = statistics_of(
            rows, frame, base, offsets, elements, settings.labels, noise.force_scale, noise.stress_trust
        )
        total = _add(total, part)
    return Statistics(*map(np.asarray, total))


_empty = in_float64(empty)


@in_float64
def _add(a: Statistics, b: Statistics) -> Statistics:
    return a + b


def _columns(basis: Basis, settings: FitSettings) -> Columns:
    """Group and shape of the prior of every column."""
    prior, table = settings.prior, basis.table()
    pair = table["body"] == 2
    start = np.where(pair, prior.pair_smoothness, prior.three_body_smoothness)
    fall = (1.0 + (table["radial"] / start) ** 2) ** (-0.5 * prior.smoothness_power)
    shape = fall * np.exp(-prior.degree_decay * table["degree"])
    group = np.where(pair, GROUPS.index("pair"), GROUPS.index("three_body"))
    S = basis.species
    return Columns(
        np.concatenate([[0], np.ones(S, int), np.tile(group, S)]),
        np.concatenate([np.ones(1 + S), np.tile(shape, S)]),
    )


def _hyperprior(settings: FitSettings, statistics: Statistics) -> Hyperprior:
    prior, noise = settings.prior, settings.noise
    amplitude = {
        name: getattr(prior, name) if name in settings.terms or name == "offset" else ABSENT for name in GROUPS
    }
    width = {name: getattr(prior, f"{name}_width", FIXED) if name in settings.terms else FIXED for name in GROUPS}
    rms = float(np.sqrt(statistics.squares[1] / max(float(statistics.counts[1]), 1.0)))
    return Hyperprior(
        np.array([amplitude[name] for name in GROUPS]),
        np.array([width[name] for name in GROUPS]),
        np.array([noise.energy, max(noise.forces, noise.forces_relative * rms), noise.stress, 1.0]),
        np.array([noise.width, noise.width, noise.width, FIXED]),
        np.array([0.0, noise.forces_floor * rms, 0.0, 0.0]),
    )


@in_float64
def _solve(
    statistics: Statistics, columns: Columns, hyperprior: Hyperprior, max_steps: int
) -> tuple[Hyperparameters, np.ndarray, np.ndarray]:
    hyperparameters = maximise(statistics, columns, hyperprior, max_steps)
    std = prior_std(columns, hyperparameters.amplitude)
    mean, root = posterior(statistics, std, hyperparameters.noise)
    return Hyperparameters(*map(np.asarray, hyperparameters)), np.asarray(mean), np.asarray(root)


def _data_record(frames: Sequence[Frame]) -> DataRecord:
    return DataRecord(
        frames=len(frames),
        atoms=sum(len(frame) for frame in frames),
        sha256=data_digest(frames),
        sources=sorted({frame.source.split(", frame")[0] for frame in frames}),
        labels_from=sorted({frame.labels_from for frame in frames}),
        levels_of_theory=sorted({frame.level for frame in frames if frame.level}),
    )


def _fit_record(settings, statistics, hyperparameters, status) -> FitRecord:
    amplitude = dict(zip(GROUPS, map(float, hyperparameters.amplitude), strict=True))
    return FitRecord(
        status=status,
        terms=sorted(settings.terms),
        amplitude_eV={name: value for name, value in amplitude.items() if value > 2 * ABSENT},
        noise=dict(
            zip(
                ("energy_eV_atom", "forces_eV_A", "stress_eV_A3"),
                map(float, hyperparameters.noise[:3]),
                strict=True,
            )
        ),
        force_scale_eV_A=settings.noise.force_scale,
        rows=dict(zip(("energy", "forces", "stress"), map(int, statistics.counts[:3]), strict=True)),
        log_evidence=float(hyperparameters.log_evidence),
    )
