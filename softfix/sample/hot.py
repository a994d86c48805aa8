"""Snapshots of molecular dynamics with the potential, far enough apart to tell different things."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from softfix.dynamics import Dynamics, Stopped
from softfix.sample.image import Image, Parent, Supply, image

RECIPE = "high-energy"


def snapshots(supply: Supply, part: float) -> Iterator[Image]:
    """Snapshots of every parent at every temperature; a run that melts or blows up ends, and is told."""
    calculator = supply.potential(RECIPE)
    temperatures = sorted(supply.settings.dynamics.temperatures)
    for index, parent in enumerate(supply.parents):
        wanted = max(1, round(supply.share(part) / len(temperatures)))
        for k, temperature in enumerate(temperatures):
            yield from _run(supply, parent, calculator, temperature, wanted, supply.rng(index, 3, k))


def _run(
    supply: Supply, parent: Parent, calculator: Any, temperature: float, wanted: int, rng: np.random.Generator
) -> Iterator[Image]:
    settings = supply.settings.dynamics
    atoms = parent.atoms.copy()
    atoms.calc = calculator
    dynamics = Dynamics(atoms, settings.conditions.model_copy(update={"temperature": temperature}), rng)
    time = 0.0
    taken = 0
    try:
        for time, _ in _uncorrelated(dynamics, supply):
            yield image(parent, _bare(atoms), kind="md", temperature_K=temperature, time_fs=time)
            taken += 1
            if taken == wanted:
                return
    except Stopped as stopped:
        supply.notes.append(
            f"{parent.name} at {temperature:g} K: {stopped}; the run was ended with {taken} of {wanted} snapshots. "
            "Ask for a lower temperature, or a larger cell."
        )


def _uncorrelated(dynamics: Dynamics, supply: Supply) -> Iterator[tuple[float, np.ndarray]]:
    """Time and displacements whenever they differ enough from those given before."""
    settings = supply.settings.dynamics
    per_interval = max(1, round(settings.interval / dynamics.timestep))
    for _ in range(round(settings.equilibration / dynamics.timestep)):
        dynamics.step()
    time, waited, last = settings.equilibration, 0, None
    while True:
        for _ in range(per_interval):
            dynamics.step()
        time, waited, now = time + per_interval * dynamics.timestep, waited + 1, dynamics.displacements
        if last is None or waited >= settings.patience or correlation(now, last) < settings.correlation:
            yield time, now
            waited, last = 0, now


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine between two sets of displacements."""
    return float(np.sum(one * other) / (np.linalg.norm(one) * np.linalg.norm(other)))


def _bare(atoms: Any) -> Any:
    bare = atoms.copy()
    del bare.arrays["momenta"]
    bare.calc = None
    return bare
