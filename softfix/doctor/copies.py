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
ENERGY = 1e-4  # eV/atom; repeated calculations agree better
FORCE = 1e-3  # eV/Å


def copies(subject: Subject) -> list[Finding]:
    """Same structure (up to rounding, translation, rotation and order of atoms) more than once."""
    same: list[tuple[Frame, Frame]] = []
    other: list[tuple[Frame, Frame]] = []
    for one, again in _repeated(subject.frames):
        (other if _differ(one, again) else same).append((one, again))
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
    training = _buckets(subject.frames)
    found = []
    for frame in subject.test:
        if original := next((one for one in _candidates(training, frame) if _same(one, frame)), None):
            found.append((original, frame))
    if not found:
        return []
    return [
        finding(
            "leaked", "certain", f"{len(found)} of {len(subject.test)} test frames are also training frames.",
            [frame for _, frame in found], "Take them out of the test file, or out of the training file.",
            [("test_frames", len(found), ""), ("first_original", found[0][0].source, "")],
        )
    ]  # fmt: skip


Key = tuple[bytes, int]


def _key(frame: Frame) -> Key:
    return np.sort(frame.numbers).tobytes(), round(frame.volume)


def _buckets(frames: Sequence[Frame]) -> dict[Key, list[Frame]]:
    buckets: dict[Key, list[Frame]] = defaultdict(list)
    for frame in frames:
        buckets[_key(frame)].append(frame)
    return buckets


def _candidates(buckets: dict[Key, list[Frame]], frame: Frame) -> Iterator[Frame]:
    atoms, volume = _key(frame)
    for near in (volume - 1, volume, volume + 1):
        yield from buckets.get((atoms, near), ())


def _repeated(frames: Sequence[Frame]) -> Iterator[tuple[Frame, Frame]]:
    """Every frame that repeats an earlier one, behind that one."""
    seen: dict[Key, list[Frame]] = defaultdict(list)
    for frame in frames:
        original = next((one for one in _candidates(seen, frame) if _same(one, frame)), None)
        if original is None:
            seen[_key(frame)].append(frame)
        else:
            yield original, frame


def _same(one: Frame, other: Frame) -> bool:
    if one.content_hash == other.content_hash:
        return True
    if abs(one.volume - other.volume) > 1e-4 * max(one.volume, 1.0) or not np.array_equal(one.pbc, other.pbc):
        return False
    if _exact(one, other):
        return True
    a, b = _distances(one), _distances(other)
    return len(a) == len(b) > 0 and float(np.abs(a - b).max()) < ROUNDING and not _differ(one, other)


_KEPT: dict[str, np.ndarray] = {}


def _exact(one: Frame, other: Frame) -> bool:
    """Whether two copies are the same numbers, up to rounding."""
    same = np.array_equal(one.numbers, other.numbers)
    return bool(same and np.allclose(one.positions, other.positions, atol=1e-5) and np.allclose(one.cell, other.cell))


def _distances(frame: Frame) -> np.ndarray:
    """Sorted distances (Å) between atoms, periodic images included, shifted apart by the two elements."""
    if frame.content_hash not in _KEPT:
        search = NeighborList(cutoff=REACH, full_list=False)
        i, j, d = search.compute(points=frame.positions, box=frame.cell, periodic=frame.pbc, quantities="ijd")
        low, high = np.minimum(frame.numbers[i], frame.numbers[j]), np.maximum(frame.numbers[i], frame.numbers[j])
        _KEPT[frame.content_hash] = np.sort(d + REACH * 2 * (low * 120 + high))
    return _KEPT[frame.content_hash]


def _differ(one: Frame, other: Frame) -> bool:
    """Whether energies, or the sizes of forces in any order, differ by more than rounding."""
    if one.energy is not None and other.energy is not None and abs(one.energy - other.energy) > ENERGY * len(one):
        return True
    if one.forces is not None and other.forces is not None:
        sizes, its = (np.sort(np.linalg.norm(forces, axis=1)) for forces in (one.forces, other.forces))
        return float(np.abs(sizes - its).max()) > FORCE
    return False
