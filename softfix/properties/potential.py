"""A potential as the properties see it: evaluations and relaxations, each kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from ase import Atoms

from softfix.correct import corrected
from softfix.data.frames import Frame
from softfix.data.labels import frame_of
from softfix.evaluations import Evaluation, evaluate_base
from softfix.properties.relaxation import RelaxationSettings, relax
from softfix.properties.result import Role
from softfix.properties.steps import Steps, digest

if TYPE_CHECKING:
    from softfix.bases.protocol import Base
    from softfix.correction import Correction


@dataclass(frozen=True, eq=False)
class Potential:
    """The base alone, or with its correction."""

    base: Base
    correction: Correction | None
    steps: Steps  # relaxations that were done
    track: Callable[[Iterable], Iterable] = iter

    @property
    def role(self) -> Role:
        """Which column of the result is its own."""
        return "base" if self.correction is None else "corrected"

    @cached_property
    def key(self) -> str:
        """What decides its numbers."""
        if self.correction is None:
            return self.base.identity.key
        arrays = (self.correction.scale, self.correction.weights.tolist(), self.correction.offsets.tolist())
        return digest(self.base.identity.key, self.correction.data.sha256, arrays)

    @cached_property
    def calculator(self) -> Any:
        """ASE calculator, built when it is first needed."""
        if self.correction is None:
            return self.base.calculator()
        from softfix.calculator import CorrectedCalculator

        return CorrectedCalculator(self.base, self.correction, any_base=True)  # it was checked when it was loaded

    @property
    def cutoff(self) -> float:
        """How far the correction sees, Å; 0 of a base, whose reach is not known."""
        return 0.0 if self.correction is None else self.correction.basis.cutoff

    def evaluations(self, structures: Sequence[Atoms]) -> list[Evaluation]:
        """Energies (eV), forces (eV/Å) and stresses (eV/Å^3); the base's own are kept in the user's cache."""
        frames = [
            frame_of(Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)) for atoms in structures
        ]
        if self.correction is None:
            return evaluate_base(self.base, frames, track=self.track)
        return corrected(self.correction, frames, self.base, track=self.track)

    def energies(self, structures: Sequence[Atoms]) -> np.ndarray:
        """Energies in eV."""
        return np.array([evaluation.energy for evaluation in self.evaluations(structures)])

    def relaxed(
        self, structures: Sequence[Atoms], settings: RelaxationSettings,
        cell: Literal["fixed", "volume", "free"] = "free", symmetric: bool = True,
    ) -> list[Atoms]:  # fmt: skip
        """Relaxed copies; those that were relaxed before are read."""
        return [self._relaxed(atoms, settings, cell, symmetric) for atoms in self.track(structures)]

    def _relaxed(self, atoms: Atoms, settings: RelaxationSettings, cell: Any, symmetric: bool) -> Atoms:
        how = (settings.model_dump(), cell, symmetric)
        key = digest(self.key, "relax", geometry(atoms).content_hash, how)
        found = self.steps.get(key, lambda: _plain(relax(atoms, self.calculator, settings, cell, symmetric)))
        moved = atoms.copy()
        moved.set_cell(found["cell"])
        moved.set_positions(found["positions"])
        return moved


def geometry(atoms: Atoms) -> Frame:
    """Frame of a structure alone, whatever else the atoms carry."""
    return frame_of(Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc))


def _plain(atoms: Atoms) -> dict[str, Any]:
    return {"cell": atoms.cell.tolist(), "positions": atoms.positions.tolist()}
