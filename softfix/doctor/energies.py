"""Energies that do not go with the forces, or come in two kinds."""

from __future__ import annotations

from collections import Counter

import numpy as np

from softfix.core.robust import least_absolute, spread
from softfix.doctor.finding import Finding, finding
from softfix.doctor.subject import Subject

PARTNERS = 3  # near frames that must agree that an energy is off
SCORE = 8.0  # standard deviations
OFF = 0.01  # eV/atom, smallest energy error told between near frames
SHIFT = 0.05  # eV/atom, smallest shift between two kinds of energies
APART = 8.0  # distance of two kinds over the wider of their spreads
FEWEST = 16  # frames from which two kinds can be told apart


def inconsistent_energies(subject: Subject) -> list[Finding]:
    """Frames whose energy differs from near frames by another amount than their forces do work."""
    pairs = subject.pairs
    known = np.isfinite(pairs.strain_work)
    error = ((pairs.energy - pairs.work - pairs.strain_work) / pairs.atoms)[known]
    if len(error) < 2 * PARTNERS:
        return []
    scale = ((pairs.size + np.abs(pairs.strain_work)) / pairs.atoms)[known] + 1e-3
    score = error / scale
    score /= max(spread(score), 0.05)
    found = []
    for index in np.unique(np.concatenate([pairs.i, pairs.j])):
        sign = (pairs.j[known] == index).astype(float) - (pairs.i[known] == index)
        mine = sign != 0.0
        if mine.sum() < PARTNERS:
            continue
        agree = abs(np.sign(sign[mine] * error[mine]).mean())
        typical = float(np.median(sign[mine] * error[mine]))
        if agree > 0.6 and abs(typical) > OFF and np.median(np.abs(score[mine])) > SCORE:
            found.append((int(index), typical))
    if not found:
        return []
    return [
        finding(
            "energy-forces", "likely",
            f"The energies of {len(found)} frames differ from near frames by another amount than forces do work.",
            subject.named(i for i, _ in found),
            "Check that these energies are converged and of the same functional as the others, or take them out.",
            [("largest_difference", max((gap for _, gap in found), key=abs), "eV/atom")],
        )
    ]  # fmt: skip


def mixed_functionals(subject: Subject) -> list[Finding]:
    """Energies that, after composition offsets and the base, fall into two kinds with nothing in between."""
    index, counts, energy, base = subject.energies()
    if len(energy) < max(FEWEST, counts.shape[1] + 5):
        return []
    atoms = counts.sum(axis=1)
    design = np.column_stack([counts / atoms[:, None], base / atoms])
    residual = energy / atoms - design @ least_absolute(design, energy / atoms)
    split = two_kinds(residual)
    if split is None:
        return []
    upper, shift, score = split
    fewer = upper if upper.sum() <= len(upper) / 2 else ~upper
    frames = subject.named(index[fewer])
    kinds = Counter(frame.config_type for frame in frames).most_common(1)[0][0]
    return [
        finding(
            "functional", "likely",
            f"The energies are of two kinds, {shift:.3f} eV/atom apart beyond composition and base.", frames,
            "Check that functional, +U, pseudopotentials and settings are the same; keep one kind.",
            [("shift", shift, "eV/atom"), ("shift_over_spread", score, ""), ("commonest_config_type", kinds, "")],
        )
    ]  # fmt: skip


def two_kinds(values: np.ndarray) -> tuple[np.ndarray, float, float] | None:
    """Mask of the upper kind, distance of the medians and that over the wider spread; None if there is one kind.

    >>> two_kinds(np.array([0.0, 0.01, 0.02, 0.01, 0.5, 0.51, 0.49, 0.5]))[0].tolist()
    [False, False, False, False, True, True, True, True]
    """
    order = np.sort(values)
    least = max(3, len(order) // 12)
    gaps = np.diff(order)[least - 1 : len(order) - least]
    if not len(gaps):
        return None
    cut = int(np.argmax(gaps)) + least
    low, high = order[:cut], order[cut:]
    shift = float(np.median(high) - np.median(low))
    width = max(float(low.std()), float(high.std()), 1e-3)
    if shift < SHIFT or shift / width < APART or gaps.max() < 0.5 * shift:
        return None
    return values > (order[cut - 1] + order[cut]) / 2, shift, shift / width
