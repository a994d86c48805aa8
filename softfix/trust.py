"""Rows of a fit by which the base is trusted, far from the frames and as volumes change.

Where a structure made from the frames has surroundings that none of them has, or lacks neighbours, the change of the
forces by the correction is held near zero. The base has to be evaluated for it, no label is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from softfix.compression import VOLUME, Compression
from softfix.core.arrays import Array
from softfix.core.basis import Basis
from softfix.core.gate import Gate, fence
from softfix.core.remoteness import Known, fullness, known_of, remoteness
from softfix.core.statistics import Gathering, Labelled, Statistics
from softfix.data.frames import Frame
from softfix.device import on_each_device
from softfix.evaluations import Evaluation
from softfix.problem import OWN, Rows, Shape, Surroundings, columns, rows_of, surroundings
from softfix.settings import TrustSettings
from softfix.threads import side_by_side

BARE, WHOLE = 0.8, 0.97  # fullness up to which an atom's surroundings are unknown, and from which they may be known


def trust_statistics(
    basis: Basis, gates: tuple[Gate, ...], elements: tuple[int, ...], seen: Surroundings,
    far: Sequence[tuple[Frame, Evaluation]], reference: np.ndarray, trust: TrustSettings, fenced: bool,
    shape: Shape = OWN, compressions: Sequence[Compression] = (),
) -> Sequence[Statistics | None]:  # fmt: skip
    """For every gate: rows that ask the correction to leave the base's forces as they are; None without structures.

    Of compressions, they ask it to leave the change of the pressure, to within `trust.bulk` of that of the base.

    The correction of a force F is 0 +- (relative |F| + floor), with a weight that rises from 0 where the surroundings
    of the atom are `near` to those `seen` in the frames of the fit to 1 where they are `far` from them, or where as
    many neighbours are missing as at a surface: varied frames put surfaces near to what they have seen. `fenced` says
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
        full = fullness(self.basis, self.known, phi, species)
        weight = np.repeat(_weight(distance, full, base, self.trust), 3)
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


def _weight(distance: np.ndarray, full: Array, base: Evaluation, trust: TrustSettings) -> np.ndarray:
    """1 / variance of the correction of each atom's force, 0 where its surroundings are known."""
    remote = np.clip((distance - trust.near) / (trust.far - trust.near), 0.0, 1.0)
    bare = np.clip((WHOLE - full) / (WHOLE - BARE), 0.0, 1.0)
    return np.maximum(remote, bare) / (trust.relative * np.linalg.norm(base.forces, axis=1) + trust.floor) ** 2
