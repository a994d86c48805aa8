"""Relaxation of atoms, and of the cell, with the symmetry of the start kept."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.constraints import FixSymmetry
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE, LBFGS
from ase.optimize.optimize import Optimizer
from pydantic import BaseModel, ConfigDict, Field

from softfix.errors import SoftfixError

SLOW_START = 3  # eV/Å; above it FIRE, which cannot be thrown off by a rough start


class RelaxationSettings(BaseModel):
    """How structures are relaxed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    force: float = Field(0.005, gt=0, description="Largest force at the end, eV/Å; stress times volume alike.")
    steps: int = Field(500, ge=0, description="Most steps; 0 takes structures as they are.")


def relax(
    atoms: Atoms, calculator: Any, settings: RelaxationSettings, cell: Literal["fixed", "volume", "free"] = "free",
    symmetric: bool = True,
) -> Atoms:  # fmt: skip
    """A relaxed copy of a structure, without calculator or constraint.

    Args:
        atoms: start, Å.
        calculator: ASE calculator.
        settings: when it ends.
        cell: fixed, of constant volume, or free.
        symmetric: keep the space group of the start (ASE's FixSymmetry).

    Raises:
        SoftfixError: if the forces do not become small within the steps allowed.
    """
    moved = atoms.copy()
    if settings.steps == 0:
        return moved
    moved.calc = calculator
    if symmetric:
        moved.set_constraint(FixSymmetry(moved))
    target = moved if cell == "fixed" else FrechetCellFilter(moved, constant_volume=cell == "volume")
    rough = float(np.abs(moved.get_forces()).max()) > SLOW_START
    optimiser: Optimizer = (FIRE if rough else LBFGS)(target, logfile=None)  # type: ignore[arg-type]  # None is silence
    if not optimiser.run(fmax=settings.force, steps=settings.steps):
        left = float(np.linalg.norm(target.get_forces(), axis=1).max())
        raise SoftfixError(
            f"{atoms.get_chemical_formula()} did not relax in {settings.steps} steps (largest force {left:.3g} eV/Å, "
            f"asked {settings.force:g}): start nearer to the minimum, or raise relaxation.steps or relaxation.force."
        )
    moved.calc = None
    moved.set_constraint()
    return moved
