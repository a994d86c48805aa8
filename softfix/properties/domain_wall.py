"""180-degree domain walls of a ferroelectric: energy, and polarisation from cell to cell.

A supercell of the polar phase, relaxed by the potential, holds two walls: between them every displacement from the
parent phase is reversed. Its atoms relax in that cell, and the wall energy is (E - E_bulk) / 2 A (Meyer and Vanderbilt,
Phys. Rev. B 65, 104111 (2002), doi:10.1103/PhysRevB.65.104111).
"""

from __future__ import annotations

import numpy as np
from ase import Atoms
from pydantic import BaseModel, ConfigDict, Field

from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.errors import SoftfixError
from softfix.properties.born import (
    CHARGES,
    Charges,
    charges_of,
    displacements,
    of_cells,
    polarisation,
    repeated,
    require_two_phases,
)
from softfix.properties.checks import read_values
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings

MILLIJOULE = 16021.76634  # mJ/m^2 in one eV/Å^2 (SI)
STEP = 0.1  # cells; over which the start turns from one domain into the other
POLAR = 0.02  # Å; largest displacement from which a phase counts as polar
CHARGED = 0.1  # share of the polarisation along the normal from which a wall counts as charged
WALL = "wall energy"


class DomainWallSettings(BaseModel):
    """How a domain wall is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    born_charges: Charges | None = Field(None, description=CHARGES)
    cells: int = Field(12, ge=4, multiple_of=2, description="Cells along the normal, two domains together.")
    normal: int = Field(0, ge=0, le=2, description="Lattice vector that the walls are stacked along: 0, 1 or 2.")
    place: float = Field(0.0, ge=0, lt=1, description="Where in a cell the walls stand: 0 at its corner, 0.5 inside.")
    phase: RelaxationSettings = Field(RelaxationSettings(force=0.01), description="Of the polar phase.")
    relaxation: RelaxationSettings = Field(RelaxationSettings(force=0.02), description="Of the walls.")


def measure(problem: Problem, potential: Potential) -> Findings:
    """Walls of a potential."""
    parent, settings = problem.structures[0], problem.settings
    charges = charges_of(parent, settings.born_charges)
    (bulk,) = potential.relaxed([atoms_of(problem.structures[1])], settings.phase)
    moved = displacements(parent, bulk)
    moved -= moved.mean(axis=0)  # wherever the origin of the polar phase is
    _require_polar(problem, moved)
    axis = polarisation(charges, moved, bulk.get_volume())
    start = walls(parent, bulk, moved, settings)
    (relaxed,) = potential.relaxed([start], settings.relaxation, cell="fixed", symmetric=False)
    one, unrelaxed, energy = potential.energies([bulk, start, relaxed])
    area = 2.0 * relaxed.get_volume() / np.linalg.norm(relaxed.cell[settings.normal])
    profile = of_cells(charges, displacements(repeated(parent, _repeats(settings)), relaxed), relaxed.get_volume())
    along = profile @ axis / np.linalg.norm(axis)
    values = [
        Value(WALL, "mJ/m^2", float(energy - settings.cells * one) / area * MILLIJOULE),
        Value(f"{WALL}, unrelaxed", "mJ/m^2", float(unrelaxed - settings.cells * one) / area * MILLIJOULE),
        Value("polarisation of the bulk", "µC/cm^2", float(np.linalg.norm(axis))),
        Value("polarisation in the middle of a domain", "µC/cm^2", float(np.abs(along).max())),
    ]
    place = np.arange(settings.cells) * float(relaxed.cell.lengths()[settings.normal]) / settings.cells
    drawing = Drawing("profile", "place, Å", "polarisation of a cell, µC/cm²", [(place, along)], "points and line")
    return Findings(values, [drawing], _notes(axis, relaxed, settings))


def read_reference(problem: Problem) -> Findings | None:
    """Values from a JSON file, e.g. {"wall energy": 132} in mJ/m^2."""
    require_two_phases(problem.structures, "a domain wall")
    if problem.reference is None:
        return None
    known = {WALL: "mJ/m^2", "polarisation of the bulk": "µC/cm^2"}
    values = read_values(problem.reference, known)
    return Findings([Value(name, known[name], value) for name, value in values.items()])


def walls(parent: Frame, bulk: Atoms, moved: np.ndarray, settings: DomainWallSettings) -> Atoms:
    """A supercell with two walls, unrelaxed: displacements `moved` (atoms, 3) Å reversed between them."""
    sites = atoms_of(parent).get_scaled_positions(wrap=False)
    supercell = bulk * _repeats(settings)
    cells = np.repeat(np.arange(settings.cells), len(bulk))
    along = cells + np.tile(sites[:, settings.normal], settings.cells) - settings.place  # in cells
    half = settings.cells / 2
    distance = half / 2 - np.abs((along + half / 2) % settings.cells - half)  # from the nearer wall, of either sign
    turned = np.tanh(distance / STEP)
    places = np.tile(sites @ bulk.cell.array, (settings.cells, 1)) + cells[:, None] * bulk.cell.array[settings.normal]
    supercell.set_positions(places + turned[:, None] * np.tile(moved, (settings.cells, 1)))
    return supercell


def _notes(axis: np.ndarray, relaxed: Atoms, settings: DomainWallSettings) -> list[str]:
    """What is unusual of these walls."""
    normal = np.cross(relaxed.cell[settings.normal - 2], relaxed.cell[settings.normal - 1])
    through = abs(axis @ normal) / np.linalg.norm(axis) / np.linalg.norm(normal)
    if through < CHARGED:
        return []
    return [f"The polarisation has {through:.2f} of itself along the normal: these walls are charged (head to head)."]


def _repeats(settings: DomainWallSettings) -> tuple[int, int, int]:
    one, two, three = (settings.cells if axis == settings.normal else 1 for axis in range(3))
    return one, two, three


def _require_polar(problem: Problem, moved: np.ndarray) -> None:
    if (largest := float(np.linalg.norm(moved, axis=1).max())) < POLAR:
        raise SoftfixError(
            f"{problem.structures[1].source} relaxes to the parent phase (largest displacement {largest:.3f} Å): there "
            "is no polarisation to be reversed."
        )


PROPERTY = Property(
    "domain-wall",
    "Domain wall",
    DomainWallSettings,
    measure,
    read_reference,
    structures="several",
    quick={"cells": 6, "phase": {"force": 0.05}, "relaxation": {"force": 0.1}},
)
