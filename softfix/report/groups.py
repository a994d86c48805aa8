"""Errors of all potentials on the whole test set and on its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from softfix.data.frames import Frame
from softfix.evaluations import Evaluation
from softfix.measure import measure, scalar_of
from softfix.report.numbers import Errors, Group, Grouping
from softfix.report.quantity import Quantity, quantity
from softfix.rows import composition_offsets, counts_of

FORCE_EDGES = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, np.inf)  # eV/Å

Predictions = Sequence[Sequence[Evaluation]]  # of every potential, frame by frame


def whole(frames: Sequence[Frame], predictions: Predictions) -> Group:
    """All frames together."""
    return _group("all frames", frames, predictions, energy_errors(frames, predictions))


def energy_errors(frames: Sequence[Frame], predictions: Predictions) -> list[np.ndarray]:
    """Error of every potential's energies (frames,) in meV/atom after composition offsets; NaN where not known."""
    known = [i for i, frame in enumerate(frames) if frame.energy is not None and frame.reference is None]
    elements = tuple(sorted({int(z) for i in known for z in frames[i].numbers}))
    counts = np.array([counts_of(frames[i].numbers, elements) for i in known]).reshape(len(known), len(elements))
    found = []
    for each in predictions:
        error = np.array([each[i].energy - float(frames[i].energy or 0.0) for i in known])
        error -= counts @ composition_offsets(counts, error)
        every = np.full(len(frames), np.nan)
        every[known] = 1000.0 * error / counts.sum(axis=1)
        found.append(every)
    return found


def groupings(frames: Sequence[Frame], predictions: Predictions) -> list[Grouping]:
    """The frames by config_type and material, the atoms by element and force; parts that are the whole are left out."""
    found = [
        _by_frame(frames, predictions, "config_type", "What the frames call themselves.", lambda f: f.config_type),
        _by_frame(frames, predictions, "material", "Frames of the same reduced formula.", formula_of),
        by_atom(frames, predictions, "element", "Forces on the atoms of one element.", _elements(frames)),
        by_atom(frames, predictions, "force", "Forces on the atoms whose DFT force has this size.", _sizes(frames)),
    ]
    return [grouping for grouping in found if len(grouping.groups) > 1]


def by_atom(
    frames: Sequence[Frame], predictions: Predictions, by: str, what: str, masks: dict[str, list[np.ndarray]]
) -> Grouping:
    """Groups of atoms, each by a mask (atoms,) for every frame; empty ones are left out."""
    known = [frame.forces is not None for frame in frames]
    groups = [
        _masked(name, frames, predictions, mask)
        for name, mask in masks.items()
        if any(there and m.any() for there, m in zip(known, mask, strict=True))
    ]
    return Grouping(by=by, what=what, groups=groups)


def formula_of(frame: Frame) -> str:
    """Reduced chemical formula."""
    from ase.formula import Formula
    from ase.symbols import Symbols

    return Formula(str(Symbols(frame.numbers))).reduce()[0].format("metal")


def _by_frame(
    frames: Sequence[Frame], predictions: Predictions, by: str, what: str, key: Callable[[Frame], str]
) -> Grouping:
    where: dict[str, list[int]] = {}
    for i, frame in enumerate(frames):
        where.setdefault(key(frame), []).append(i)
    energies = energy_errors(frames, predictions)
    groups = [
        _group(
            name,
            [frames[i] for i in found],
            [[p[i] for i in found] for p in predictions],
            [each[found] for each in energies],
        )
        for name, found in sorted(where.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return Grouping(by=by, what=what, groups=groups)


def _elements(frames: Sequence[Frame]) -> dict[str, list[np.ndarray]]:
    from ase.data import chemical_symbols

    every = sorted({int(z) for frame in frames for z in frame.numbers})
    return {chemical_symbols[z]: [frame.numbers == z for frame in frames] for z in every}


def _sizes(frames: Sequence[Frame]) -> dict[str, list[np.ndarray]]:
    sizes = [np.full(len(f), np.nan) if f.forces is None else np.linalg.norm(f.forces, axis=1) for f in frames]
    masks = {}
    for low, high in pairwise(FORCE_EDGES):
        name = f"above {low:g} eV/Å" if np.isinf(high) else f"{low:g} to {high:g} eV/Å"
        masks[name] = [(size >= low) & (size < high) for size in sizes]
    return masks


def _masked(name: str, frames: Sequence[Frame], predictions: Predictions, masks: Sequence[np.ndarray]) -> Group:
    """Forces alone, on some atoms of some frames."""
    kept = [i for i, mask in enumerate(masks) if mask.any() and frames[i].forces is not None]
    chosen = [_cut(frames[i], masks[i]) for i in kept]
    cut = [[replace(p[i], forces=p[i].forces[masks[i]]) for i in kept] for p in predictions]
    return _group(name, chosen, cut, [np.full(len(kept), np.nan)] * len(predictions))


def _cut(frame: Frame, mask: np.ndarray) -> Frame:
    forces = None if frame.forces is None else frame.forces[mask]
    return replace(
        frame, numbers=frame.numbers[mask], positions=frame.positions[mask], energy=None, stress=None, forces=forces
    )


def _group(name: str, frames: Sequence[Frame], predictions: Predictions, energies: Sequence[np.ndarray]) -> Group:
    return Group(
        name=name,
        frames=quantity(len(frames), "frames"),
        atoms=quantity(sum(map(len, frames)), "atoms"),
        errors=[_errors(frames, *each, predictions[0]) for each in zip(predictions, energies, strict=True)],
    )


def _errors(
    frames: Sequence[Frame], predictions: Sequence[Evaluation], energies: np.ndarray, first: Sequence[Evaluation]
) -> Errors:
    found = measure(frames, predictions)
    known = np.abs(energies[np.isfinite(energies)])
    mae, before = found.force_mae_eV_A, _force_mae(frames, first)

    def of(value: float | None, unit: str = "", interval: tuple[float, float] | None = None) -> Quantity | None:
        return None if value is None else quantity(value, unit, interval)

    return Errors(
        force_mae=of(mae, "eV/Å"),
        force_ratio=of(mae / before) if mae is not None and before else None,
        force_rmse=of(found.force_rmse_eV_A, "eV/Å"),
        force_max=of(found.max_force_error_eV_A, "eV/Å"),
        force_cmae=of(_force_mae(frames, predictions, scaled=True), "eV/Å"),
        slope=of(found.softening_slope, "", found.softening_slope_ci95),
        slope_intercept=of(found.softening_slope_intercept, "", found.softening_slope_intercept_ci95),
        energy_mae=of(float(known.mean()) if len(known) else None, "meV/atom"),
        stress_mae=of(found.stress_mae_GPa, "GPa"),
    )


def _force_mae(frames: Sequence[Frame], predictions: Sequence[Evaluation], scaled: bool = False) -> float | None:
    """Force MAE in eV/Å; scaled: what is left after the one scalar that suits these very frames best."""
    pairs = [(f.forces, p.forces) for f, p in zip(frames, predictions, strict=True) if f.forces is not None]
    if not pairs:
        return None
    dft, predicted = (np.concatenate([pair[k] for pair in pairs]) for k in (0, 1))
    scalar = scalar_of(dft, predicted) if scaled else 1.0
    return float(np.abs(scalar * predicted - dft).mean())
