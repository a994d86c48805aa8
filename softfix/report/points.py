"""What the figures draw: a point per force component, atom, energy and stress component, and the worst atoms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from softfix.data.frames import Frame
from softfix.measure import GPA
from softfix.report.groups import Predictions
from softfix.report.numbers import Points, Worst
from softfix.report.quantity import quantity, series
from softfix.rows import composition_offsets, counts_of

ATOMS = 500  # atoms drawn, at most; the worst of them always
FRAMES = 1500  # frames, or stress components, likewise
WORST = 12  # atoms in the table of the largest errors
VOIGT = ("xx", "yy", "zz", "yz", "xz", "xy")


def source_of(frame: Frame) -> str:
    """Where a frame comes from, without the folders of this machine."""
    return frame.source.rpartition("/")[2]


def force_points(
    frames: Sequence[Frame], predictions: Predictions, names: Sequence[str]
) -> tuple[Points | None, Points | None, list[Worst]]:
    """Force components; sizes of the force errors against the DFT forces; the largest errors."""
    labelled = [(i, frame, frame.forces) for i, frame in enumerate(frames) if frame.forces is not None]
    if not labelled:
        return None, None, []
    frame = np.concatenate([np.full(len(one), i) for i, one, _ in labelled])
    atom = np.concatenate([np.arange(len(one)) for _, one, _ in labelled])
    dft = np.concatenate([forces for _, _, forces in labelled])
    predicted = [np.concatenate([each[i].forces for i, _, _ in labelled]) for each in predictions]
    size = np.linalg.norm(dft, axis=1)
    errors = [np.linalg.norm(each - dft, axis=1) for each in predicted]
    drawn = _drawn(np.max(errors, axis=0), ATOMS)
    part = [f"atom {a} ({_symbol(frames[f].numbers[a])})" for f, a in zip(frame, atom, strict=True)]
    every = [f"{part[k]} {axis}" for k in drawn for axis in "xyz"]
    components = _points(
        frames, names, np.repeat(frame[drawn], 3), every, "force component", "eV/Å", dft[drawn].ravel(),
        [each[drawn].ravel() for each in predicted], dft.size,
    )  # fmt: skip
    of_atoms = _points(
        frames, names, frame[drawn], [part[k] for k in drawn], "force error", "eV/Å", size[drawn],
        [each[drawn] for each in errors], len(size),
    )  # fmt: skip
    worst = [
        Worst(
            frame=source_of(frames[frame[k]]),
            atom=part[k],
            force=quantity(size[k], "eV/Å"),
            errors=[quantity(each[k], "eV/Å") for each in errors],
        )
        for k in np.argsort(-errors[-1], kind="stable")[:WORST]
    ]
    return components, of_atoms, worst


def energy_points(frames: Sequence[Frame], predictions: Predictions, names: Sequence[str]) -> Points | None:
    """Energies per atom (meV), both sides less the composition's part: what distinguishes structures."""
    known = [i for i, frame in enumerate(frames) if frame.energy is not None and frame.reference is None]
    if len(known) < 2:
        return None
    elements = tuple(sorted({int(z) for i in known for z in frames[i].numbers}))
    counts = np.array([counts_of(frames[i].numbers, elements) for i in known])
    atoms = counts.sum(axis=1)

    dft = np.array([float(frames[i].energy or 0.0) for i in known])
    own = counts @ composition_offsets(counts, dft)
    predicted = []
    for each in predictions:
        energies = np.array([each[i].energy for i in known])
        error = energies - dft
        energies = energies - counts @ composition_offsets(counts, error)
        predicted.append(1000.0 * (energies - own) / atoms)
    true = 1000.0 * (dft - own) / atoms
    drawn = _drawn(np.max(np.abs(np.array(predicted) - true), axis=0), FRAMES)
    return _points(
        frames, names, np.array(known)[drawn], ["energy per atom"] * len(drawn), "energy per atom", "meV/atom",
        true[drawn], [each[drawn] for each in predicted], len(known),
    )  # fmt: skip


def stress_points(frames: Sequence[Frame], predictions: Predictions, names: Sequence[str]) -> Points | None:
    """Stress components in GPa of the frames that have them."""
    known = [
        (i, frame.stress)
        for i, frame in enumerate(frames)
        if frame.stress is not None and all(each[i].stress is not None for each in predictions)
    ]
    if not known:
        return None
    dft = GPA * np.array([stress for _, stress in known])
    predicted = [GPA * np.array([each[i].stress for i, _ in known]) for each in predictions]
    drawn = _drawn(np.max(np.abs(np.array(predicted) - dft).max(axis=2), axis=0), FRAMES // 6)
    return _points(
        frames, names, np.repeat(np.array([i for i, _ in known])[drawn], 6), list(VOIGT) * len(drawn),
        "stress component", "GPa", dft[drawn].ravel(), [each[drawn].ravel() for each in predicted], dft.size,
    )  # fmt: skip


def _drawn(error: np.ndarray, most: int) -> np.ndarray:
    """Indices of a fifth of `most` with the largest errors and of others by a fixed seed, in their order."""
    if len(error) <= most:
        return np.arange(len(error))
    order = np.argsort(-error, kind="stable")
    worst, rest = order[: most // 5], order[most // 5 :]
    return np.sort(np.concatenate([worst, np.random.default_rng(0).permutation(rest)[: most - most // 5]]))


def _points(
    frames: Sequence[Frame], names: Sequence[str], frame: np.ndarray, part: list[str], what: str, unit: str,
    dft: np.ndarray, predicted: Sequence[np.ndarray], every: int,
) -> Points:  # fmt: skip
    used = sorted(set(frame.tolist()))
    place = {i: k for k, i in enumerate(used)}
    return Points(
        names=[source_of(frames[i]) for i in used],
        frame=[place[i] for i in frame.tolist()],
        part=part,
        x=series("DFT force" if what == "force error" else "DFT", unit, dft),
        y=[series(name, unit, values) for name, values in zip(names, predicted, strict=True)],
        drawn=quantity(len(part), "points"),
        all=quantity(every, "points"),
    )


def _symbol(number: int) -> str:
    from ase.data import chemical_symbols

    return chemical_symbols[number]
