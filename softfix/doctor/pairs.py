"""Pairs of near frames of one composition: between them energies, forces and stresses must fit together.

dE = -mean(F).dR + V mean(stress):strain, to third order in the step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from softfix.data.frames import Frame

NEAR = 0.35  # Å, largest root-mean-square displacement
STRAIN = 0.06  # largest component of the strain
SAME_CELL = 1e-5  # strain below which the cell counts as the same
PARTNERS = 6  # nearest partners kept of each frame
SHORTEST = 1e-3  # Å; nearer frames are copies
MOST = 400  # frames of one composition that are compared


@dataclass(frozen=True, eq=False)
class Pairs:
    """Frames i and j, and what their forces and stresses say about the energy from i to j."""

    i: np.ndarray  # (pairs,)
    j: np.ndarray  # (pairs,)
    step: np.ndarray  # (pairs,) Å, root-mean-square displacement plus the length change by strain
    energy: np.ndarray  # (pairs,) eV, E_j - E_i
    work: np.ndarray  # (pairs,) eV, -mean(F).dR
    strain_work: np.ndarray  # (pairs,) eV, V mean(stress):strain as labelled; 0 where the cell stays
    strained: np.ndarray  # (pairs,) whether the cell differs
    size: np.ndarray  # (pairs,) eV, sum of |F.dR| over atoms: what the work is a small difference of
    atoms: np.ndarray  # (pairs,)

    def __len__(self) -> int:
        return len(self.i)


def near_pairs(frames: Sequence[Frame]) -> Pairs:
    """All pairs of frames with the same atoms in the same order that are near, by nearest partners."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for i, frame in enumerate(frames):
        if frame.forces is not None and frame.energy is not None and frame.reference is None and frame.pbc.all():
            groups[frame.numbers.tobytes()].append(i)
    rows = [row for members in groups.values() for row in _group_pairs(frames, members[:MOST])]
    columns = np.array(rows, dtype=float).reshape(-1, 9).T
    step, energy, work, strain_work, strained, size, atoms = columns[2:]
    first, second = columns[:2].astype(int)
    return Pairs(first, second, step, energy, work, strain_work, strained > 0, size, atoms)


def _group_pairs(frames: Sequence[Frame], members: list[int]) -> list[tuple]:
    if len(members) < 2:
        return []
    cells = np.array([frames[m].cell for m in members])
    fractional = np.array([np.linalg.solve(frames[m].cell.T, frames[m].positions.T).T for m in members])
    chosen = set()
    for a in range(len(members)):
        step = _steps(cells, fractional, a)
        for b in np.argsort(step)[: PARTNERS + 1]:
            if SHORTEST < step[b] < NEAR:
                chosen.add((min(a, int(b)), max(a, int(b))))
    return [_pair(frames, members, cells, fractional, a, b) for a, b in sorted(chosen)]


def _steps(cells: np.ndarray, fractional: np.ndarray, a: int) -> np.ndarray:
    """Distance of every frame of a group to frame a, in Å; infinite where the cell differs too much."""
    strain = np.linalg.solve(cells[a], cells - cells[a])
    largest = np.abs(strain).max(axis=(1, 2))
    moved = _displacements(cells, fractional, a)
    step = np.sqrt((moved**2).sum(axis=2).mean(axis=1)) + 3.0 * largest
    return np.where(largest < STRAIN, step, np.inf)


def _displacements(cells: np.ndarray, fractional: np.ndarray, a: int) -> np.ndarray:
    """(frames, atoms, 3) Å, from frame a, by the nearest image, without the drift of all atoms together."""
    shift = fractional - fractional[a]
    shift -= shift[:, :1]  # common translations first, so that they do not spoil the choice of images
    shift -= np.round(shift)
    shift -= shift.mean(axis=1, keepdims=True)
    return shift @ ((cells + cells[a]) / 2)


def _pair(frames, members, cells, fractional, a: int, b: int) -> tuple:
    one, other = frames[members[a]], frames[members[b]]
    moved = _displacements(cells[[a, b]], fractional[[a, b]], 0)[1]
    force = (one.forces + other.forces) / 2
    middle = (one.cell + other.cell) / 2
    strain = np.linalg.solve(middle, other.cell - one.cell)
    strain = (strain + strain.T) / 2
    strained = bool(np.abs(strain).max() > SAME_CELL)
    strain_work = np.nan if strained else 0.0
    if strained and one.stress is not None and other.stress is not None:
        voigt = strain[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]] * np.array([1, 1, 1, 2, 2, 2])
        strain_work = float(abs(np.linalg.det(middle)) * (one.stress + other.stress) @ voigt / 2)
    along = np.sum(force * moved, axis=1)
    step = float(np.sqrt((moved**2).sum(axis=1).mean()) + 3.0 * np.abs(strain).max())
    return (
        members[a], members[b], step, other.energy - one.energy, -along.sum(), strain_work, strained,
        np.abs(along).sum(), len(one),
    )  # fmt: skip
