"""Elements that the frames show in one environment only."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from ase.data import chemical_symbols
from vesin import NeighborList

from softfix.doctor.finding import Finding, finding
from softfix.doctor.subject import Subject

REACH = 5.0  # Å
ALIKE = 1e-4  # relative spread of the environment sums


def lone_environments(subject: Subject) -> list[Finding]:
    """Elements whose every atom sees the same neighbours at the same distances: nothing can be learned of them."""
    seen: dict[int, list[np.ndarray]] = defaultdict(list)
    where: dict[int, list] = defaultdict(list)
    for frame in subject.frames:
        sums = _sums(frame)
        for z in np.unique(frame.numbers):
            seen[int(z)].append(sums[frame.numbers == z])
            where[int(z)].append(frame)
    found = []
    for z, rows in sorted(seen.items()):
        values = np.concatenate(rows)
        if np.ptp(values, axis=0).max() <= ALIKE * np.abs(values).max():
            found.append(_finding(z, len(values), where[z]))
    return found


def _finding(z: int, atoms: int, frames: list) -> Finding:
    symbol = chemical_symbols[z]
    return finding(
        "one-environment", "possible",
        f"{symbol} stands in one environment only ({atoms} atom{'s' * (atoms > 1)} in all frames).", frames,
        f"Add frames with {symbol} in other surroundings, or expect no correction of it beyond an energy offset.",
        [("atoms", atoms, "")],
    )  # fmt: skip


def _sums(frame) -> np.ndarray:
    """(atoms, 3) smooth sums over neighbours, weighted by their elements."""
    search = NeighborList(cutoff=REACH, full_list=True)
    i, j, d = search.compute(points=frame.positions, box=frame.cell, periodic=frame.pbc, quantities="ijd")
    rim = (1.0 - d / REACH) ** 2
    parts = (rim, rim * np.sqrt(frame.numbers[j]), rim * np.exp(-d))
    return np.stack([np.bincount(i, part, len(frame)) for part in parts], axis=1)
