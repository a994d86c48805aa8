"""Frames far from what the base's error on the others leads to expect: unconverged, or of another kind."""

from __future__ import annotations

import numpy as np

from softfix.core.robust import least_absolute, spread
from softfix.doctor.finding import Finding, finding
from softfix.doctor.subject import Subject

FEWEST = 8  # frames from which the usual error is known
SCORE = 4.5  # standard deviations of the logarithm of the error
FACTOR = 2.5  # and how many times the usual error
ENERGY_SCORE = 12.0  # standard deviations of the energy residual
ENERGY = 0.05  # eV/atom, residuals below which nothing is said
ALIKE = 3  # frames of one composition from which its own offset is taken
RARE = 0.1  # share of frames above which a tail is no tail
FORCE = 0.02  # eV/Å, errors below which nothing is said


def far_tails(subject: Subject) -> list[Finding]:
    """Frames whose force error against the base (eV/Å) is far beyond that of frames with like forces."""
    known = subject.forces()
    if len(known) < FEWEST:
        return []
    label = np.concatenate([forces.ravel() for _, forces, _ in known])
    base = np.concatenate([its.ravel() for _, _, its in known])
    (slope,) = least_absolute(base[:, None], label)
    error = np.array([_rms(forces - slope * its) for _, forces, its in known])
    size = np.array([_rms(slope * its) for _, _, its in known])
    usual = _usual(size, error)
    ratio = np.log(np.maximum(error, 1e-9) / usual)  # a base may be exact
    width = max(spread(ratio), 0.15)
    far = (ratio - np.median(ratio) > SCORE * width) & (error > FACTOR * usual) & (error > FORCE)
    if not far.any():
        return []
    worst = int(np.argmax(np.where(far, error / usual, 0.0)))
    return [
        finding(
            "tail", "likely", f"{int(far.sum())} frames differ from the base far more than frames with like forces.",
            subject.named(known[k][0] for k in np.flatnonzero(far)),
            "Check that they are converged and of the same settings; take them out if not.",
            [("largest_force_error_rms", error[worst], "eV/Å"), ("usual_force_error_rms", usual[worst], "eV/Å")],
        )
    ]  # fmt: skip


def far_energies(subject: Subject) -> list[Finding]:
    """Frames whose energy, after composition and base, is far from all others (eV/atom)."""
    index, counts, energy, base = subject.energies()
    if len(energy) < counts.shape[1] + FEWEST:
        return []
    atoms = counts.sum(axis=1)
    design = np.column_stack([counts / atoms[:, None], base / atoms])
    whole = energy / atoms - design @ least_absolute(design, energy / atoms)
    residual = _within(counts, whole)
    width = max(spread(whole), spread(residual), ENERGY / ENERGY_SCORE)
    far = np.abs(residual - np.median(residual)) > ENERGY_SCORE * width
    if not far.any() or far.mean() > RARE:
        return []
    return [
        finding(
            "tail", "likely", f"The energies of {int(far.sum())} frames are far from what composition and base give.",
            subject.named(index[far]), "Check that they are converged and of the same settings; take them out if not.",
            [("largest_residual", max(residual[far], key=abs), "eV/atom"), ("usual_residual", width, "eV/atom")],
        )
    ]  # fmt: skip


def _within(counts: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Residuals minus their median over frames of the same composition, where there are `ALIKE` or more.

    A base can be off for a whole compound, which is no fault of the frames.
    """
    shares = (counts / counts.sum(axis=1, keepdims=True)).round(6)
    _, kind, number = np.unique(shares, axis=0, return_inverse=True, return_counts=True)
    medians = np.array([np.median(residual[kind == k]) for k in range(len(number))])
    return residual - np.where(number >= ALIKE, medians, 0.0)[kind]


def _usual(size: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Error that grows with the forces from a floor: median line through the frames."""
    constant, proportional = np.maximum(least_absolute(np.column_stack([np.ones_like(size), size]), error), 0.0)
    return np.maximum(constant + proportional * size, float(np.median(error)) + 1e-6)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean()))
