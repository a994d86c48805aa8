"""Frames that are the same structure twice, with the same labels or with others, or in training and test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from vesin import NeighborList

from softfix.data.frames import Frame
from softfix.doctor.finding import Finding, finding
from softfix.doctor.subject import Subject

REACH = 5.0  # Å; interatomic distances up to here make the fingerprint
ROUNDING = 1e-3  # Å in any interatomic distance
MEAN = 1e-4  # Å in the mean interatomic distance, where rounding averages out
ENERGY = 1e-4  # eV/atom; repeated calculations agree better
FORCE = 1e-3  # eV/Å


def copies(subject: Subject) -> list[Finding]:
    """Same structure (up to rounding, translation, rotation and order of atoms) more than once."""
    originals: dict[int, int] = {}
    for i, j in alike(subject.frames):
        originals.setdefault(j, i)
    pairs = [(subject.frames[i], subject.frames[j]) for j, i in sorted(originals.items())]
    same = [pair for pair in pairs if not _differ(*pair)]
    other = [pair for pair in pairs if _differ(*pair)]
    return [
        *(_relabelled(one, again) for one, again in other),
        *([_repeats(exact)] if (exact := [pair for pair in same if _exact(*pair)]) else []),
        *([_equivalent(moved)] if (moved := [pair for pair in same if not _exact(*pair)]) else []),
    ]


def _relabelled(one: Frame, again: Frame) -> Finding:
    values: list[tuple] = []
    if one.energy is not None and again.energy is not None:
        values.append(("energy_difference", (again.energy - one.energy) / len(one), "eV/atom"))
    if one.forces is not None and again.forces is not None and np.array_equal(one.positions, again.positions):
        values.append(("largest_force_difference", np.abs(one.forces - again.forces).max(), "eV/Å"))
    return finding(
        "copies-relabelled", "certain", "The same structure stands here twice with different labels.", [one, again],
        "Find out which calculation is converged and of the level that you want; take the other out.", values,
    )  # fmt: skip


def _repeats(pairs: Sequence[tuple[Frame, Frame]]) -> Finding:
    return finding(
        "copies", "likely",
        f"{len(pairs)} frame{'s repeat' if len(pairs) > 1 else ' repeats'} the structure and labels of another.",
        [again for _, again in pairs], "Take the copies out: they weigh more in a fit and teach nothing.",
        [("copies", len(pairs), ""), ("first_original", pairs[0][0].source, "")],
    )  # fmt: skip


def _equivalent(pairs: Sequence[tuple[Frame, Frame]]) -> Finding:
    return finding(
        "copies", "possible",
        f"{len(pairs)} frames have the interatomic distances and labels of another, from which symmetry makes them.",
        [again for _, again in pairs], "Keep one of each: a potential that knows symmetry learns no more.",
        [("copies", len(pairs), ""), ("first_original", pairs[0][0].source, "")],
    )  # fmt: skip


def leaked(subject: Subject) -> list[Finding]:
    """Test frames that stand among the training frames, so that the test error says nothing."""
    training = len(subject.frames)
    every = [*subject.frames, *subject.test]
    found = {j: i for i, j in alike(every) if i < training <= j}
    if not found:
        return []
    exact = any(_exact(every[i], every[j]) for j, i in found.items())
    return [
        finding(
            "leaked", "certain" if exact else "likely",
            f"{len(found)} of {len(subject.test)} test frames are also training frames, or made of them by symmetry.",
            [every[j] for j in sorted(found)], "Take them out of the test file, or out of the training file.",
            [("test_frames", len(found), ""), ("first_original", every[found[min(found)]].source, "")],
        )
    ]  # fmt: skip


def alike(frames: Sequence[Frame]) -> list[tuple[int, int]]:
    """Pairs i < j of frames that are one structure, up to rounding, translation, rotation and order of atoms.

    What only has the same interatomic distances must have the same energies and sizes of forces too.
    """
    groups: dict[tuple[bytes, bytes], list[int]] = defaultdict(list)
    for i, frame in enumerate(frames):
        groups[np.sort(frame.numbers).tobytes(), frame.pbc.tobytes()].append(i)
    pairs = [pair for members in groups.values() if len(members) > 1 for pair in _alike(frames, members)]
    return sorted(pairs)


def _alike(frames: Sequence[Frame], members: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs within frames of the same atoms: only those with the same mean distance are looked at closely."""
    distances = {i: _distances(frames[i]) for i in members}
    mean = {i: float(distances[i].mean()) if len(distances[i]) else 0.0 for i in members}
    order = sorted(members, key=lambda i: mean[i])
    for place, i in enumerate(order):
        for j in order[place + 1 :]:
            if mean[j] - mean[i] > MEAN:
                break
            if _same(frames[i], frames[j], distances[i], distances[j]):
                yield min(i, j), max(i, j)


def _same(one: Frame, other: Frame, its: np.ndarray, others: np.ndarray) -> bool:
    if _exact(one, other):
        return True
    if abs(one.volume - other.volume) > 1e-4 * max(one.volume, 1.0) or not len(its) == len(others) > 0:
        return False
    return float(np.abs(its - others).max()) < ROUNDING and not _differ(one, other)


def _exact(one: Frame, other: Frame) -> bool:
    """Whether two frames are the same atoms in the same order and cell, up to rounding and a shift of all."""
    if not np.array_equal(one.numbers, other.numbers) or not np.allclose(one.cell, other.cell, atol=1e-5):
        return False
    moved = other.positions - one.positions
    moved = moved - moved[0]
    if one.volume > 0.0:
        images = np.round(np.linalg.solve(one.cell.T, moved.T).T)
        moved = moved - (images * one.pbc) @ one.cell
    return bool(np.abs(moved).max() < ROUNDING)


def _distances(frame: Frame) -> np.ndarray:
    """Sorted distances (Å) between atoms, periodic images included, shifted apart by the two elements."""
    search = NeighborList(cutoff=REACH, full_list=False)
    i, j, d = search.compute(points=frame.positions, box=frame.cell, periodic=frame.pbc, quantities="ijd")
    low, high = np.minimum(frame.numbers[i], frame.numbers[j]), np.maximum(frame.numbers[i], frame.numbers[j])
    return np.sort(d + REACH * 2 * (low * 120 + high))


def _differ(one: Frame, other: Frame) -> bool:
    """Whether energies, or the sizes of forces in any order, differ by more than rounding."""
    if one.energy is not None and other.energy is not None and abs(one.energy - other.energy) > ENERGY * len(one):
        return True
    if one.forces is not None and other.forces is not None:
        sizes, its = (np.sort(np.linalg.norm(forces, axis=1)) for forces in (one.forces, other.forces))
        return float(np.abs(sizes - its).max()) > FORCE
    return False
