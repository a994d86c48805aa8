"""Structures far from the frames of a fit, in which the base is trusted.

Frames of one regime say nothing of another, and functions fitted to them are arbitrary there. So frames are cut to
slabs, expanded, compressed, rattled, and atoms taken out; pairs of atoms stand alone. Where that makes surroundings
that no frame has, the change of the forces by the correction is held near zero. The base has to be evaluated for them,
no label is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np

from softfix.compression import VOLUME, Compression
from softfix.core.basis import Basis
from softfix.core.gate import Gate, fence
from softfix.core.remoteness import Known, known_of, remoteness
from softfix.core.statistics import Gathering, Labelled, Statistics
from softfix.data.frames import Frame
from softfix.device import on_each_device
from softfix.evaluations import Evaluation
from softfix.problem import OWN, Rows, Shape, Surroundings, columns, rows_of, surroundings
from softfix.settings import TrustSettings
from softfix.threads import side_by_side

VACUUM = 8.0  # Å between the faces of a slab, beyond the reach of the correction
STRAIN = 0.2  # relative change of volume
THERMAL, MOLTEN = 0.1, 0.3  # Å, standard deviation of random displacements

REACH = (0.75, 0.9, 1.05, 1.25, 1.5)  # lengths of lone pairs in sums of covalent radii
APART = 15.0  # Å between lone pairs
LONGEST = 4.5  # Å; bases that know triplets alone need some neighbour

Change = Callable[[Frame, np.random.Generator, int], Frame | None]


def far_structures(frames: Sequence[Frame], count: int) -> list[Frame]:
    """Up to `count` structures made from the frames, always the same ones, and their lone pairs in one more.

    Args:
        frames: those of a fit; several are made use of in turn.
        count: how many; some can't be made of molecules or of a cell with one atom. None at all for 0.
    """
    if not count:
        return []
    random = np.random.default_rng(0)
    made = []
    for i in range(count):
        source = frames[(i * len(frames)) // count]
        bare = source.unlabelled(f"{source.source}, distorted")
        changed = CHANGES[i % len(CHANGES)](bare, random, i // len(CHANGES))
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


def far_statistics(
    basis: Basis, gates: tuple[Gate, ...], elements: tuple[int, ...], seen: Surroundings,
    far: Sequence[tuple[Frame, Evaluation]], reference: np.ndarray, trust: TrustSettings, fenced: bool,
    shape: Shape = OWN, compressions: Sequence[Compression] = (),
) -> Sequence[Statistics | None]:  # fmt: skip
    """For every gate: rows that ask the correction to leave the base's forces as they are; None without structures.

    Of compressions, they ask it to leave the change of the pressure, to within `trust.bulk` of that of the base.

    The correction of a force F is 0 +- (relative |F| + floor), with a weight that rises from 0 where the surroundings
    of the atom are `near` to those `seen` in the frames of the fit to 1 where they are `far` from them. `fenced` says
    whether the fence holds the scale off too, as it does where the base has site energies; the slope of the fence is
    left out of that column.
    """
    if not far and not compressions:
        return [None] * len(gates)
    made = _Made(basis, gates, elements, known_of(basis, seen, seen.atoms()), reference, trust, fenced, shape)
    gatherings = [Gathering(columns(basis, elements)) for _ in gates]
    places: list[tuple[Frame, Evaluation] | Compression] = [*far, *compressions]
    for of_gates in side_by_side(on_each_device(made.rows), places, compiles=True):
        for gathering, rows in zip(gatherings, of_gates, strict=True):
            gathering.add({"trust": rows})
    return [gathering.statistics() for gathering in gatherings]


class _Made(NamedTuple):
    """What rows are made with, where the base is trusted."""

    basis: Basis
    gates: tuple[Gate, ...]
    elements: tuple[int, ...]
    known: list[Known | None]
    reference: np.ndarray
    trust: TrustSettings
    fenced: bool
    shape: Shape

    def rows(self, place: tuple[Frame, Evaluation] | Compression) -> list[Labelled]:
        """Rows for every gate, of the forces of a structure or of the change of pressure of a compression."""
        return self._of_compression(place) if isinstance(place, Compression) else self._of_structure(*place)

    def _of_structure(self, frame: Frame, base: Evaluation) -> list[Labelled]:
        phi, species = surroundings(self.basis, self.elements, frame, self.shape)
        distance = np.asarray(remoteness(self.basis, self.known, phi, species))
        weight = np.repeat(_weight(distance, base, self.trust), 3)
        forces = [rows.forces for rows in self._design(frame, base, phi, species)]
        return [Labelled(X.reshape(len(weight), -1), np.zeros(len(weight)), weight) for X in forces]

    def _of_compression(self, compression: Compression) -> list[Labelled]:
        weight = np.array([1.0 / (self.trust.bulk * compression.stiffness * VOLUME) ** 2])
        both = zip(self._tensions(*compression.after), self._tensions(*compression.before), strict=True)
        return [Labelled((after - before)[None], np.zeros(1), weight) for after, before in both]

    def _tensions(self, frame: Frame, base: Evaluation) -> list[np.ndarray]:
        phi, species = surroundings(self.basis, self.elements, frame, self.shape)
        return [rows.tension for rows in self._design(frame, base, phi, species)]

    def _design(self, frame: Frame, base: Evaluation, phi: np.ndarray, species: np.ndarray) -> list[Rows]:
        if self.fenced:
            inside = np.asarray(fence(self.basis, self.gates[0], phi, species))
            stress = None if base.stress is None else float(inside.mean()) * base.stress
            base = replace(base, forces=inside[:, None] * base.forces, stress=stress)
        return rows_of(self.basis, self.gates, self.elements, frame, base, self.reference, self.shape)


def _weight(distance: np.ndarray, base: Evaluation, trust: TrustSettings) -> np.ndarray:
    """1 / variance of the correction of each atom's force, 0 where its surroundings are known."""
    share = np.clip((distance - trust.near) / (trust.far - trust.near), 0.0, 1.0)
    return share / (trust.relative * np.linalg.norm(base.forces, axis=1) + trust.floor) ** 2


def _slab(frame: Frame, random: np.random.Generator, turn: int) -> Frame | None:
    axis = (2 + turn) % 3
    if not frame.pbc[axis] or frame.volume == 0.0:
        return None
    fractional = frame.positions @ np.linalg.inv(frame.cell)
    inside = (fractional - np.floor(fractional)) @ frame.cell
    normal = np.cross(frame.cell[axis - 2], frame.cell[axis - 1])
    cell = frame.cell.copy()
    cell[axis] *= 1.0 + VACUUM * np.linalg.norm(normal) / frame.volume
    return _rattled(replace(frame, positions=inside, cell=cell), random, THERMAL)


def _vacancy(frame: Frame, random: np.random.Generator, turn: int) -> Frame | None:
    if len(frame) < 2:
        return None
    kept = np.arange(len(frame)) != random.integers(len(frame))
    return _rattled(replace(frame, numbers=frame.numbers[kept], positions=frame.positions[kept]), random, THERMAL)


def _scaled(frame: Frame, random: np.random.Generator, volume: float) -> Frame:
    return _rattled(frame.scaled(volume), random, THERMAL)


def _rattled(frame: Frame, random: np.random.Generator, size: float) -> Frame:
    return replace(frame, positions=frame.positions + random.normal(0.0, size, frame.positions.shape))


CHANGES: tuple[Change, ...] = (
    _slab,
    lambda frame, random, turn: _scaled(frame, random, 1.0 - STRAIN),
    _vacancy,
    lambda frame, random, turn: _rattled(frame, random, MOLTEN),
    lambda frame, random, turn: _scaled(frame, random, 1.0 + STRAIN),
)
