"""Structures far from the frames of a fit: cut open, expanded, compressed, rattled, with an atom less; lone pairs.

Frames of one regime say nothing of another, and functions fitted to them are arbitrary there: in these structures the
base is trusted (`softfix.trust`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np

from softfix.data.frames import Frame

VACUUM = 8.0  # Å between the faces of a slab, beyond the reach of the correction
STRAIN = 0.2  # relative change of volume
CALM, THERMAL, MOLTEN = 0.06, 0.1, 0.3  # Å, standard deviation of random displacements
TAKEN = 0.25  # share of the atoms that a void takes out

REACH = (0.75, 0.9, 1.05, 1.25, 1.5)  # lengths of lone pairs in sums of covalent radii
APART = 15.0  # Å between lone pairs
LONGEST = 4.5  # Å; bases that know triplets alone need some neighbour

Change = Callable[[Frame, np.random.Generator, int], Frame | None]


def far_structures(frames: Sequence[Frame], count: int) -> list[Frame]:
    """Up to `count` structures made from the frames, always the same ones, and their lone pairs in one more.

    Args:
        frames: those of a fit; several are made use of in turn, the one of the least forces is cut open: forces at
            its faces are small, and so is what the correction may change them by.
        count: how many; some can't be made of molecules or of a cell with one atom. None at all for 0.
    """
    if not count:
        return []
    random = np.random.default_rng(0)
    made = []
    calmest = min(frames, key=lambda frame: frame.agitation)
    for i in range(count):
        change = CHANGES[i % len(CHANGES)]
        source = calmest if change is _opened else frames[(i * len(frames)) // count]
        bare = source.unlabelled(f"{source.source}, distorted")
        changed = change(bare, random, i // len(CHANGES))
        if changed is not None:
            made.append(changed)
    return [*made, lone_pairs(sorted({int(z) for frame in frames for z in frame.numbers}))]


def lone_pairs(elements: Sequence[int]) -> Frame:
    """Every pair of elements at several distances in one long cell, out of each other's reach."""
    from ase.data import covalent_radii

    pairs = [
        (a, b, min(share * float(covalent_radii[a] + covalent_radii[b]), LONGEST))
        for a, b in combinations_with_replacement(elements, 2)
        for share in REACH
    ]
    positions = [[APART * i, 0.0, z] for i, (_, _, length) in enumerate(pairs) for z in (0.0, length)]
    return Frame(
        numbers=np.array([z for a, b, _ in pairs for z in (a, b)]),
        positions=np.array(positions),
        cell=np.diag([APART * len(pairs), APART, APART + LONGEST]),
        pbc=np.ones(3, bool),
        source="lone pairs of atoms",
    )


def _opened(frame: Frame, random: np.random.Generator, turn: int) -> Frame | None:
    """A slab and a void in turn."""
    return _void(frame, random) if turn % 2 else _slab(frame, random, (2 + turn // 2) % 3)


def _slab(frame: Frame, random: np.random.Generator, axis: int) -> Frame | None:
    if not frame.pbc[axis] or frame.volume == 0.0:
        return None
    fractional = frame.positions @ np.linalg.inv(frame.cell)
    inside = (fractional - np.floor(fractional)) @ frame.cell
    normal = np.cross(frame.cell[axis - 2], frame.cell[axis - 1])
    cell = frame.cell.copy()
    cell[axis] *= 1.0 + VACUUM * np.linalg.norm(normal) / frame.volume
    return _rattled(replace(frame, positions=inside, cell=cell), random, CALM)


def _void(frame: Frame, random: np.random.Generator) -> Frame | None:
    """Without the atoms nearest to some point."""
    if not frame.pbc.all() or frame.volume == 0.0 or len(frame) < 2:
        return None
    away = frame.positions @ np.linalg.inv(frame.cell) - random.random(3)
    distance = np.linalg.norm((away - np.round(away)) @ frame.cell, axis=1)
    return _rattled(_of_atoms(frame, np.argsort(distance)[max(1, int(TAKEN * len(frame))) :]), random, CALM)


def _vacancy(frame: Frame, random: np.random.Generator, turn: int) -> Frame | None:
    if len(frame) < 2:
        return None
    kept = np.arange(len(frame)) != random.integers(len(frame))
    return _rattled(_of_atoms(frame, kept), random, THERMAL)


def _of_atoms(frame: Frame, kept: np.ndarray) -> Frame:
    return replace(frame, numbers=frame.numbers[kept], positions=frame.positions[kept])


def _scaled(frame: Frame, random: np.random.Generator, volume: float) -> Frame:
    return _rattled(frame.scaled(volume), random, THERMAL)


def _rattled(frame: Frame, random: np.random.Generator, size: float) -> Frame:
    return replace(frame, positions=frame.positions + random.normal(0.0, size, frame.positions.shape))


CHANGES: tuple[Change, ...] = (
    _opened,
    lambda frame, random, turn: _scaled(frame, random, 1.0 - STRAIN),
    _vacancy,
    lambda frame, random, turn: _rattled(frame, random, MOLTEN),
    lambda frame, random, turn: _scaled(frame, random, 1.0 + STRAIN),
)
