"""What every way of labelling a frame has in common: its settings, its name, its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from softfix.errors import SoftfixError

if TYPE_CHECKING:
    from ase import Atoms

    from softfix.data.frames import Frame
    from softfix.evaluations import Evaluation


class Unusable(Exception):
    """A calculation that gives no label, with the reason as its text."""


class LabelProtocol(BaseModel):
    """Settings that decide the numbers of a label, and how to get one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]  # what --calculator calls it
    indifferent: ClassVar[frozenset[str]] = frozenset({"max_force"})  # settings that change no number

    max_force: float = Field(50.0, gt=0, description="eV/Å; a frame with a larger force counts as failed.")

    @property
    def level(self) -> str:
        """Level of theory in words, as every labelled frame carries it."""
        raise NotImplementedError

    @property
    def version(self) -> str:
        """Of the program, where it can be told without running it."""
        return ""

    @property
    def digest(self) -> str:
        """Short hash of the program's version and of every setting that decides the numbers."""
        settings = self.model_dump(mode="json", exclude=set(self.indifferent))
        text = json.dumps([self.name, self.version, settings], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def check(self, frames: Sequence[Frame]) -> None:
        """See to it that the frames can be labelled on this machine.

        Raises:
            SoftfixError: if the program, or a file that it needs for an element, is missing.
        """
        raise NotImplementedError

    def label(self, frame: Frame, folder: Path) -> Evaluation:
        """Free energy (eV), forces (eV/Å) and, of crystals, stress (eV/Å^3) of a frame, using an empty folder.

        Raises:
            Unusable: if the calculation ended without numbers that may be used.
        """
        raise NotImplementedError

    def kpoints(self, frame: Frame) -> tuple[int, int, int] | None:
        """Grid of k-points along the lattice vectors, None where it is not known."""
        return None

    def electrons(self, frame: Frame) -> float | None:
        """Number of valence electrons that are computed, None where it is not known."""
        return None


class PlaneWaves(LabelProtocol):
    """What the plane-wave codes share."""

    cutoff: float = Field(600.0, gt=0, description="Plane-wave cutoff in eV.")
    kpoint_density: float = Field(
        3.5, gt=0, description="Γ-centred k-points per Å^-1 (2 pi included): n_i = ceil(density 2 pi / height_i)."
    )
    kpoint_grid: tuple[int, int, int] | None = Field(
        None, description="This grid for every frame instead, so that strained cells of one crystal share it."
    )
    smearing: float = Field(0.05, gt=0, description="Width of the Fermi-Dirac smearing in eV.")
    magnetic_moments: dict[str, float | tuple[float, ...]] = Field(
        default_factory=dict,
        description="Starting moment per atom of an element in Bohr magnetons, or moments that its atoms take in turn, "
        "e.g. {Fe: [4, -4]} for an antiferromagnet; without any, spins are paired.",
    )
    max_steps: int = Field(200, gt=0, description="Steps of the self-consistency after which a frame has failed.")

    def kpoints(self, frame: Frame) -> tuple[int, int, int]:
        """Grid of k-points along the lattice vectors; 1 along a direction that is not periodic."""
        from ase.calculators.calculator import kptdensity2monkhorstpack

        if self.kpoint_grid is not None:
            return self.kpoint_grid
        grid = kptdensity2monkhorstpack(self.atoms(frame), self.kpoint_density, even=False)
        return int(grid[0]), int(grid[1]), int(grid[2])

    def atoms(self, frame: Frame) -> Atoms:
        """Bare atoms of a frame with the starting moments on them."""
        from softfix.data.labels import atoms_of

        atoms = atoms_of(frame)
        turns = {symbol: cycle(np.atleast_1d(moments)) for symbol, moments in self.magnetic_moments.items()}
        moments = [float(next(turns[symbol])) if symbol in turns else 0.0 for symbol in atoms.symbols]
        if any(moments):
            atoms.set_initial_magnetic_moments(moments)
        return atoms

    @property
    def conditions(self) -> str:
        """Cutoff, k-points, smearing and spins in words."""
        started = sorted((symbol, np.atleast_1d(moments)) for symbol, moments in self.magnetic_moments.items())
        moments = ", ".join(f"{symbol} {'/'.join(f'{one:g}' for one in each)}" for symbol, each in started)
        density = f"{self.kpoint_density:g} k-points per 1/Angstrom"
        grid = density if self.kpoint_grid is None else f"{'x'.join(map(str, self.kpoint_grid))} k-points"
        return (
            f"PW {self.cutoff:g} eV, {grid}, Fermi-Dirac {self.smearing:g} eV, "
            f"{f'spin-polarised (start: {moments})' if moments else 'spin-paired'}"
        )


def usable(evaluation: Evaluation, max_force: float) -> Evaluation:
    """Give back a label whose numbers may be used.

    Args:
        evaluation: eV, eV/Å, eV/Å^3.
        max_force: largest believable force in eV/Å.

    Raises:
        Unusable: for a number that is not finite, or a force above the limit.
    """
    for name in ("energy", "forces", "stress"):
        value = getattr(evaluation, name)
        if value is not None and not np.isfinite(value).all():
            raise Unusable(f"the {name} holds a number that is not finite")
    largest = float(np.linalg.norm(evaluation.forces, axis=1).max())
    if largest > max_force:
        raise Unusable(f"a force of {largest:.1f} eV/Å is above the limit of {max_force:g} (setting max_force)")
    return evaluation


def missing_package(name: str, distribution: str, pip: str) -> SoftfixError:
    """The one sentence for a calculator whose package is not there."""
    return SoftfixError(
        f"Calculator '{name}' needs the package {distribution}, which is not installed: pip install {pip}"
    )
