"""Measures of a potential against DFT: numbers with units, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from softfix.evaluations import Evaluation
from softfix.rows import composition_offsets, counts_of

if TYPE_CHECKING:
    from softfix.data.frames import Frame

GPA = 160.21766208  # GPa in one eV/Å^3 (CODATA 2014, as ASE's units use)
RESAMPLES = 1000


class Measures(BaseModel):
    """How one potential does on a set of frames; None where the frames lack the label."""

    model_config = ConfigDict(frozen=True)

    force_mae_eV_A: float | None
    force_rmse_eV_A: float | None
    max_force_error_eV_A: float | None  # of a component
    softening_slope: float | None  # predicted against DFT force components, through the origin
    softening_slope_ci95: tuple[float, float] | None  # bootstrap over frames (over atoms for one frame)
    softening_slope_intercept: float | None  # slope of the line with an intercept
    softening_slope_intercept_ci95: tuple[float, float] | None = None  # None too where an old file lacks it
    energy_mae_meV_atom: float | None  # after a composition offset; None where that alone explains all
    stress_mae_GPa: float | None


class Group(BaseModel):
    """Measures of the base and, if there is a correction, of the corrected potential on the same frames."""

    n_frames: int
    n_atoms: int
    base: Measures
    corrected: Measures | None = None


class Report(Group):
    """A test set as a whole and by config_type."""

    config_type: dict[str, Group]


def report(frames: Sequence[Frame], base: Sequence[Evaluation], corrected: Sequence[Evaluation] | None) -> Report:
    """Measures of all frames, and of each config_type."""
    whole = _group(frames, base, corrected, range(len(frames)))
    names = sorted({frame.config_type for frame in frames})
    parts = {
        name: _group(frames, base, corrected, [i for i, frame in enumerate(frames) if frame.config_type == name])
        for name in names
    }
    return Report(**whole.model_dump(), config_type=parts)


def _group(frames, base, corrected, indices: Sequence[int]) -> Group:
    chosen = [frames[i] for i in indices]
    return Group(
        n_frames=len(chosen),
        n_atoms=sum(len(frame) for frame in chosen),
        base=measure(chosen, [base[i] for i in indices]),
        corrected=None if corrected is None else measure(chosen, [corrected[i] for i in indices]),
    )


def measure(frames: Sequence[Frame], predictions: Sequence[Evaluation]) -> Measures:
    """All measures of one potential; frames with a reference count as differences, as their labels do."""
    pairs = [(f.forces, p.forces) for f, p in zip(frames, predictions, strict=True) if f.forces is not None]
    if not pairs:
        forces = dict.fromkeys(
            ("force_mae_eV_A", "force_rmse_eV_A", "max_force_error_eV_A", "softening_slope", "softening_slope_ci95",
             "softening_slope_intercept", "softening_slope_intercept_ci95")
        )  # fmt: skip
    else:
        dft, predicted = (np.concatenate([pair[k] for pair in pairs]) for k in (0, 1))
        error = predicted - dft
        forces = {
            "force_mae_eV_A": float(np.abs(error).mean()),
            "force_rmse_eV_A": float(np.sqrt((error**2).mean())),
            "max_force_error_eV_A": float(np.abs(error).max()),
            "softening_slope": slope(dft, predicted),
            "softening_slope_ci95": slope_interval(pairs),
            "softening_slope_intercept": slope_with_intercept(dft, predicted),
            "softening_slope_intercept_ci95": slope_interval(pairs, intercept=True),
        }
    return Measures(
        **forces,
        energy_mae_meV_atom=_mean_energy_error(frames, predictions),
        stress_mae_GPa=_stress_error(frames, predictions),
    )


def slope(dft: np.ndarray, predicted: np.ndarray) -> float | None:
    """Softening slope through the origin: sum(F_DFT F) / sum(F_DFT^2); below 1 is too soft.

    Source: Deng et al., npj Comput. Mater. 11, 9 (2025), doi:10.1038/s41524-024-01500-6.

    >>> slope(np.array([1.0, -2.0]), np.array([0.8, -1.6]))
    0.8
    """
    square = float(np.sum(dft**2))
    return float(np.sum(dft * predicted) / square) if square > 0.0 else None


def slope_with_intercept(dft: np.ndarray, predicted: np.ndarray) -> float | None:
    """Slope of the least-squares line with an intercept."""
    spread = dft - dft.mean()
    square = float(np.sum(spread**2))
    return float(np.sum(spread * predicted) / square) if square > 0.0 else None


def slope_interval(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], intercept: bool = False, seed: int = 0
) -> tuple[float, float] | None:
    """95 % interval of the slope through the origin or with an intercept, by resampling frames (atoms of a lone one).

    None where the forces vanish.
    """
    if len(pairs) == 1:
        pairs = [(d[None], p[None]) for d, p in zip(*pairs[0], strict=True)]
    sums = np.array([(d.size, d.sum(), p.sum(), np.sum(d * d), np.sum(d * p)) for d, p in pairs])
    draws = np.random.default_rng(seed).multinomial(len(pairs), np.full(len(pairs), 1 / len(pairs)), RESAMPLES)
    count, x, y, square, product = (draws @ sums).T
    if intercept:
        square, product = square - x * x / count, product - x * y / count
    known = square > 1e-12 * count
    if not known.any():
        return None
    low, high = np.percentile(product[known] / square[known], (2.5, 97.5))
    return float(low), float(high)


def scalar_of(dft: np.ndarray, predicted: np.ndarray) -> float:
    """The factor of the predicted forces that brings them nearest to DFT by least squares; 1 where they vanish.

    Source: Deng et al., npj Comput. Mater. 11, 9 (2025), doi:10.1038/s41524-024-01500-6.

    >>> scalar_of(np.array([1.0, -2.0]), np.array([0.5, -1.0]))
    2.0
    """
    square = float(np.sum(predicted**2))
    return float(np.sum(dft * predicted) / square) if square > 0.0 else 1.0


def _mean_energy_error(frames: Sequence[Frame], predictions: Sequence[Evaluation]) -> float | None:
    """Mean |error| in meV/atom."""
    errors = energy_errors(frames, predictions)
    return None if errors is None else float(1000.0 * np.abs(errors).mean())


def energy_errors(frames: Sequence[Frame], predictions: Sequence[Evaluation]) -> np.ndarray | None:
    """Errors of the labelled frames in eV/atom after the composition offset that suits them best; None if it is all."""
    known = [(f, p) for f, p in zip(frames, predictions, strict=True) if f.energy is not None and f.reference is None]
    if not known:
        return None
    elements = tuple(sorted({int(z) for frame, _ in known for z in frame.numbers}))
    counts = np.array([counts_of(frame.numbers, elements) for frame, _ in known])
    if np.linalg.matrix_rank(counts) == len(known):
        return None  # the offset explains all energies, whatever they are
    error = np.array([prediction.energy - float(frame.energy or 0.0) for frame, prediction in known])
    error -= counts @ composition_offsets(counts, error)
    return error / counts.sum(axis=1)


def _stress_error(frames: Sequence[Frame], predictions: Sequence[Evaluation]) -> float | None:
    """Mean |error| of the six components in GPa."""
    errors = [
        prediction.stress - frame.stress
        for frame, prediction in zip(frames, predictions, strict=True)
        if frame.stress is not None and prediction.stress is not None
    ]
    return float(GPA * np.abs(errors).mean()) if errors else None
