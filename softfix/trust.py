"""Rows of a fit by which the base is trusted, far from the frames, as volumes change and between compositions.

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
from softfix.core.gate import Gate, fence
from softfix.core.remoteness import Known, fullness, known_of, remoteness
from softfix.core.statistics import Gathering, Labelled, Statistics
from softfix.data.frames import Frame
from softfix.device import on_each_device
from softfix.evaluations import Evaluation
from softfix.exchange import Exchange
from softfix.problem import Problem
from softfix.rows import OWN, Rows, Shape, Surroundings, columns, counts_of, rows_of, surroundings
from softfix.settings import TrustSettings
from softfix.threads import side_by_side

BARE, WHOLE = 0.8, 0.97  # fullness up to which an atom's surroundings are unknown, and from which they may be known


def trust_statistics(
    problem: Problem, gates: tuple[Gate, ...], seen: Surroundings, shape: Shape = OWN
) -> Sequence[Statistics | None]:
    """For every gate: rows that ask the correction to leave the base's forces as they are; None without structures.

    Of compressions, they ask it to leave the change of the pressure, to within `trust.bulk` of that of the base; of
    exchanges, to leave energy and stress besides: to `relative` of the energy that the composition does not explain
    and `energy`, and to `bulk` of the stress and `pressure` of the bulk modulus.

    The correction of a force F is 0 +- (relative |F| + floor), with a weight that rises from 0 where the surroundings
    of the atom are `near` to those `seen` in the frames of the fit to 1 where they are `far` from them, or where as
    many neighbours are missing as at a surface: varied frames put surfaces near to what they have seen. Where
    the base has site energies, the fence holds the scale off too; the slope of the fence is left out of that column.
    """
    trusted = problem.trusted
    if not any(trusted):
        return [None] * len(gates)
    made = _Made(problem, gates, known_of(problem.basis, seen, seen.atoms()), problem.trust, shape)
    gatherings = [Gathering(columns(problem.basis, problem.elements)) for _ in gates]
    places: list[Place] = [*trusted.far, *trusted.compressions, *trusted.exchanges]
    for of_gates in side_by_side(on_each_device(made.rows), places, compiles=True):
        for gathering, rows in zip(gatherings, of_gates, strict=True):
            gathering.add({"trust": rows})
    return [gathering.statistics() for gathering in gatherings]


Place = tuple[Frame, Evaluation] | Compression | Exchange


class _Made(NamedTuple):
    """What rows are made with, where the base is trusted."""

    problem: Problem
    gates: tuple[Gate, ...]
    known: list[Known | None]
    trust: TrustSettings
    shape: Shape

    def rows(self, place: Place) -> list[Labelled]:
        """Rows for every gate."""
        if isinstance(place, Compression):
            return self._of_compression(place)
        return self._of_exchange(*place) if isinstance(place, Exchange) else self._of_structure(*place)

    def _of_structure(self, frame: Frame, base: Evaluation) -> list[Labelled]:
        weight, made = self._forces(frame, base)
        return [_at_rest(rows.forces.reshape(len(weight), -1), weight) for rows in made]

    def _forces(self, frame: Frame, base: Evaluation) -> tuple[np.ndarray, list[Rows]]:
        """Weight of every component of the forces, and the rows of the structure for every gate."""
        phi, species = self._surroundings(frame)
        distance = np.asarray(remoteness(self.problem.basis, self.known, phi, species))
        full = fullness(self.problem.basis, self.known, phi, species)
        return np.repeat(_weight(distance, full, base, self.trust), 3), self._design(frame, base, phi, species)

    def _of_exchange(self, frame: Frame, base: Evaluation) -> list[Labelled]:
        forces, made = self._forces(frame, base)
        trust, atoms = self.trust, len(frame)
        excess = abs(self._excess(frame, base)) / atoms
        energy = np.array([1.0 / (trust.relative * excess + trust.energy) ** 2])
        found = []
        for rows in made:
            X, weight = [rows.forces.reshape(len(forces), -1), rows.energy[None] / atoms], [forces, energy]
            if rows.stress is not None and base.stress is not None:
                tension = abs(float(base.stress[:3].mean()))
                X.append(rows.stress)
                weight.append(np.full(6, 1.0 / (trust.bulk * tension + self.problem.pressure_trust) ** 2))
            found.append(_at_rest(np.concatenate(X), np.concatenate(weight)))
        return found

    def _excess(self, frame: Frame, base: Evaluation) -> float:
        """Energy in eV beyond what the composition explains."""
        return float(base.energy - counts_of(frame.numbers, self.problem.elements) @ self.problem.reference)

    def _of_compression(self, compression: Compression) -> list[Labelled]:
        weight = np.array([1.0 / (self.trust.bulk * compression.stiffness * VOLUME) ** 2])
        both = zip(self._tensions(*compression.after), self._tensions(*compression.before), strict=True)
        return [_at_rest((after - before)[None], weight) for after, before in both]

    def _tensions(self, frame: Frame, base: Evaluation) -> list[np.ndarray]:
        return [rows.tension for rows in self._design(frame, base, *self._surroundings(frame))]

    def _surroundings(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        return surroundings(self.problem.basis, self.problem.elements, frame, self.shape)

    def _design(self, frame: Frame, base: Evaluation, phi: np.ndarray, species: np.ndarray) -> list[Rows]:
        problem = self.problem
        if base.sites is not None:
            inside = np.asarray(fence(problem.basis, self.gates[0], phi, species))
            stress = None if base.stress is None else float(inside.mean()) * base.stress
            behind = (1.0 - float(inside.mean())) * self._excess(frame, base)
            base = replace(base, energy=base.energy - behind, forces=inside[:, None] * base.forces, stress=stress)
        return rows_of(problem.basis, self.gates, problem.elements, frame, base, problem.reference, self.shape)


def _at_rest(X: np.ndarray, weight: np.ndarray) -> Labelled:
    """Rows whose labels are 0: no correction."""
    return Labelled(X, np.zeros(len(X)), weight)


def _weight(distance: np.ndarray, full: Array, base: Evaluation, trust: TrustSettings) -> np.ndarray:
    """1 / variance of the correction of each atom's force, 0 where its surroundings are known."""
    remote = np.clip((distance - trust.near) / (trust.far - trust.near), 0.0, 1.0)
    bare = np.clip((WHOLE - full) / (WHOLE - BARE), 0.0, 1.0)
    return np.maximum(remote, bare) / (trust.relative * np.linalg.norm(base.forces, axis=1) + trust.floor) ** 2
