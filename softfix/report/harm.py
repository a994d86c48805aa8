"""Checks that a correction does no harm where nobody fitted it: dimers, volumes, and the energy of an MD run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from softfix.correct import corrected
from softfix.correction import Correction
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation, atoms_of, evaluate_base
from softfix.report.numbers import Check, Curve, Fact
from softfix.report.points import source_of
from softfix.report.quantity import Quantity, quantity, series
from softfix.report.terms import Pair

if TYPE_CHECKING:
    from softfix.bases.protocol import Base

BOX = 20.0  # Å, cell of a dimer
FAR = 8.0  # Å, farthest distance of a dimer
CLOSE = 0.6  # times the shortest distance in the test frames, the closest
DIMERS = 30  # distances
PAIRS = 3  # pairs of elements scanned, at most
LEFT = 0.002  # eV that the correction may leave at the far end
DEEPER, DEEPER_BY = 0.25, 0.2  # fraction of the base's depth, and eV, by which it may deepen the lowest energy
VOLUMES = np.linspace(0.7, 1.4, 15)
FEWEST = 4  # atoms of the structure that is strained and heated, at least
TEMPERATURE = 300.0  # K
STEP = 1.0  # fs
DRIFT = 1.0  # meV/atom/ps beyond twice that of the base
SWING = 0.2  # meV/atom, rms of the total energy beyond twice that of the base


def checks(
    correction: Correction, base: Base, frames: Sequence[Frame], pairs: Sequence[Pair], md_steps: int
) -> list[Check]:
    """Dimer scans of the most frequent neighbours, then volumes and MD of the smallest test structure that is known."""
    found = [dimer(correction, base, pair) for pair in pairs[:PAIRS]]
    if (frame := smallest(correction, frames)) is not None:
        found.append(volumes(correction, base, frame))
        if md_steps:
            found.append(drift(correction, base, frame, md_steps))
    return found


def smallest(correction: Correction, frames: Sequence[Frame]) -> Frame | None:
    """The first of the smallest periodic frames of known elements, of `FEWEST` atoms or more if there are any."""
    known = [f for f in frames if np.isin(f.numbers, correction.elements).all() and f.pbc.all()]
    known = [f for f in known if len(f) >= FEWEST] or known
    return replace(min(known, key=len), reference=None) if known else None


def dimer(correction: Correction, base: Base, pair: Pair) -> Check:
    """Two atoms alone: the correction must vanish far apart, dig no new hole, and not bind them far more strongly."""
    distances = np.geomspace(CLOSE * pair.shortest, FAR, DIMERS)
    frames = [
        Frame(np.array(pair.numbers), np.array([[0, 0, 0], [r, 0, 0]], float), BOX * np.eye(3), np.ones(3, dtype=bool),
              source=f"{pair.name} dimer at {r:.3f} Å")
        for r in distances
    ]  # fmt: skip
    energies = [np.array([e.energy for e in each]) for each in _both(correction, base, frames)]
    soft, hard = (each - each[-1] for each in energies)
    faults = [
        ("it changes the energy of atoms far apart", float(np.abs(hard - soft)[distances > 0.9 * FAR].max()) > LEFT),
        ("it digs a new hole", _minima(hard) > max(_minima(soft), 1)),
        ("it binds them far more strongly", hard.min() < (1.0 + DEEPER) * soft.min() - DEEPER_BY),
    ]
    found = [fault for fault, there in faults if there]
    return Check(
        name=f"{pair.name} dimer",
        passed=not found,
        what=f"Two atoms alone, {distances[0]:.2f} to {FAR:g} Å apart: "
        + (" and ".join(found) if found else "the correction leaves far atoms alone and digs no hole")
        + ".",
        values=[
            _fact("shortest in the test frames", quantity(pair.shortest, "Å")),
            _fact("lowest energy, base", quantity(float(soft.min()), "eV")),
            _fact("corrected", quantity(float(hard.min()), "eV")),
            _fact("at, base", quantity(float(distances[np.argmin(soft)]), "Å")),
            _fact("corrected", quantity(float(distances[np.argmin(hard)]), "Å")),
        ],
        x_name="distance",
        y_name="energy above far apart",
        curves=[_line("base", distances, "Å", soft), _line("corrected", distances, "Å", hard)],
    )


def volumes(correction: Correction, base: Base, frame: Frame) -> Check:
    """A structure scaled in volume: the corrected energy must have as few minima as the base's, and none at the end."""
    frames = [_scaled(frame, ratio) for ratio in VOLUMES]
    before, after = _both(correction, base, frames)
    curves = [1000.0 * np.array([e.energy for e in each]) / len(frame) for each in (before, after)]
    curves = [each - each.min() for each in curves]
    minima = [_minima(each) for each in curves]
    lowest = [int(np.argmin(each)) for each in curves]
    inside = 0 < lowest[1] < len(VOLUMES) - 1 or lowest[0] in (0, len(VOLUMES) - 1)
    passed = minima[1] <= max(minima[0], 1) and inside
    return Check(
        name="volume scan",
        passed=passed,
        what=f"{source_of(frame)} from {VOLUMES[0]:g} to {VOLUMES[-1]:g} of its volume: the correction "
        + ("makes no new minimum." if passed else "makes a new minimum, or none at all."),
        values=[
            _fact("lowest volume, base", quantity(VOLUMES[lowest[0]], "V/V₀")),
            _fact("lowest volume, corrected", quantity(VOLUMES[lowest[1]], "V/V₀")),
        ],
        x_name="volume",
        y_name="energy above the lowest",
        curves=[
            _line("base", VOLUMES, "V/V₀", curves[0], "meV/atom"),
            _line("corrected", VOLUMES, "V/V₀", curves[1], "meV/atom"),
        ],
    )


def drift(correction: Correction, base: Base, frame: Frame, steps: int) -> Check:
    """Total energy of an MD run without thermostat: forces that are derivatives of the energy keep it."""
    from softfix.calculator import CorrectedCalculator

    totals = [
        _run(frame, base.calculator(), steps),
        _run(frame, CorrectedCalculator(base, correction, any_base=True), steps),
    ]
    time = STEP * np.arange(steps + 1)
    slopes = [1000.0 * float(np.polyfit(time, each, 1)[0]) for each in totals]  # meV/atom/fs -> per ps
    swings = [float(np.std(each)) for each in totals]
    passed = kept(slopes, swings)
    return Check(
        name="energy of an MD run",
        passed=passed,
        what=f"{source_of(frame)}, {steps} steps of {STEP:g} fs from {TEMPERATURE:g} K without thermostat: the total "
        + ("energy is kept as the base keeps it." if passed else "energy drifts or swings more than the base's."),
        values=[
            _fact("drift, base", quantity(slopes[0], "meV/atom/ps")),
            _fact("drift, corrected", quantity(slopes[1], "meV/atom/ps")),
            _fact("swing (rms), base", quantity(swings[0], "meV/atom")),
            _fact("swing (rms), corrected", quantity(swings[1], "meV/atom")),
        ],
        x_name="time",
        y_name="total energy",
        curves=[_line(n, time, "fs", e, "meV/atom") for n, e in zip(("base", "corrected"), totals, strict=True)],
    )


def kept(drifts: Sequence[float], swings: Sequence[float]) -> bool:
    """Whether the corrected energy (second) drifts (meV/atom/ps) and swings (meV/atom) about as the base's (first)."""
    return abs(drifts[1]) < 2 * abs(drifts[0]) + DRIFT and swings[1] < 2 * swings[0] + SWING


def _run(frame: Frame, calculator, steps: int) -> np.ndarray:
    """Total energy above that of the first step, meV/atom, at every step."""
    from ase import units
    from ase.md.velocitydistribution import Stationary
    from ase.md.verlet import VelocityVerlet

    atoms = atoms_of(frame)
    atoms.calc = calculator
    momentum = np.sqrt(atoms.get_masses() * units.kB * TEMPERATURE)[:, None]
    atoms.set_momenta(momentum * np.random.default_rng(0).normal(size=(len(atoms), 3)))
    Stationary(atoms)
    totals: list[float] = []
    md = VelocityVerlet(atoms, timestep=STEP * units.fs)
    md.attach(lambda: totals.append(atoms.get_total_energy()))
    md.run(steps)
    return 1000.0 * (np.array(totals) - totals[0]) / len(atoms)


def _both(correction: Correction, base: Base, frames: Sequence[Frame]) -> tuple[list[Evaluation], list[Evaluation]]:
    return evaluate_base(base, frames), corrected(correction, frames, base)


def _scaled(frame: Frame, ratio: float) -> Frame:
    length = ratio ** (1 / 3)
    return replace(frame, positions=length * frame.positions, cell=length * frame.cell)


def _minima(energies: np.ndarray) -> int:
    """Number of inner points below both neighbours."""
    middle = energies[1:-1]
    return int(np.sum((middle < energies[:-2]) & (middle < energies[2:])))


def _fact(name: str, value: Quantity) -> Fact:
    return Fact(name=name, quantity=value)


def _line(name: str, x: np.ndarray, unit: str, y: np.ndarray, y_unit: str = "eV") -> Curve:
    return Curve(name=name, x=series("x", unit, x), y=series(name, y_unit, y))
