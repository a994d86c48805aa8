"""Molecular dynamics by ASE's integrator, which stops and says why when a cell melts or the run blows up."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from ase import Atoms

EXCESS = 6.0  # standard deviations of the canonical kinetic temperature that no run in equilibrium shows
GPA = 1.0 / 160.21766208  # eV/Å^3


class Conditions(BaseModel):
    """What the dynamics runs at, and when it counts as lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(1000.0, gt=0, description="K.")
    pressure: float | None = Field(None, description="GPa; the cell moves with it (NPT). Without it, NVT.")
    timestep: float | None = Field(None, gt=0, description="fs; by default 2, and 1 where there is hydrogen.")
    friction_time: float = Field(100.0, gt=0, description="Time constant of the Langevin thermostat in fs.")
    pressure_time: float = Field(1000.0, gt=0, description="Time constant of the barostat in fs.")
    melting: float = Field(
        0.3, gt=0, description="The cell counts as melted from this rms displacement, in nearest-neighbour distances."
    )
    closest: float = Field(
        0.65, gt=0, description="No pair of atoms may come closer than this share of the sum of covalent radii."
    )


class Stopped(Exception):
    """The dynamics ended before its time, with the reason as its text."""


@dataclass(frozen=True)
class Moment:
    """All that the next step depends on, beside the potential; plain arrays, so that it can be kept in a file."""

    arrays: dict[str, np.ndarray]
    rng: dict[str, Any]


class Dynamics:
    """Langevin dynamics at constant volume or, with a pressure, of the whole cell (BAOAB splitting).

    Sources: Leimkuhler and Matthews, J. Chem. Phys. 138, 174102 (2013), doi:10.1063/1.4802990; cell: Quigley and
    Probert, J. Chem. Phys. 120, 11432 (2004), doi:10.1063/1.1755657.
    """

    def __init__(self, atoms: Atoms, conditions: Conditions, rng: np.random.Generator, moment: Moment | None = None):
        """Start from atoms that carry a calculator, with momenta drawn from `rng`, or go on from a moment."""
        self.atoms, self.conditions, self.rng = atoms, conditions, rng
        self._start = atoms.get_scaled_positions(wrap=False)
        self._spacing = nearest_distance(atoms)
        if moment is None:
            atoms.set_momenta(_momenta(atoms, conditions.temperature, rng))
        else:
            atoms.set_cell(moment.arrays["cell"])
            atoms.set_positions(moment.arrays["positions"])
            atoms.set_momenta(moment.arrays["momenta"])
            rng.bit_generator.state = moment.rng
        self._integrator = _integrator(atoms, conditions, rng)
        if moment is not None:
            for name in ("accel", "p_eps", "force_eps"):
                if name in moment.arrays:
                    setattr(self._integrator, name, moment.arrays[name])

    @property
    def timestep(self) -> float:
        """In fs."""
        return timestep_of(self.atoms, self.conditions)

    @property
    def moment(self) -> Moment:
        """What is needed to go on exactly from here."""
        atoms, integrator = self.atoms, self._integrator
        arrays = {"positions": atoms.positions, "cell": atoms.cell.array, "momenta": atoms.get_momenta()}
        for name in ("accel", "p_eps", "force_eps"):
            if hasattr(integrator, name):
                arrays[name] = getattr(integrator, name)
        return Moment({name: np.array(value) for name, value in arrays.items()}, dict(self.rng.bit_generator.state))

    def step(self) -> None:
        """One time step.

        Raises:
            Stopped: if the run blew up, atoms came too close, or the cell melted.
        """
        self._integrator.step()
        self._look_for_trouble()

    @property
    def displacements(self) -> np.ndarray:
        """(atoms, 3) Å from the start, in the cell of now, without the drift of all."""
        moved = (self.atoms.get_scaled_positions(wrap=False) - self._start) @ self.atoms.cell.array
        masses = self.atoms.get_masses()[:, None]
        return moved - (masses * moved).sum(axis=0) / masses.sum()

    def _look_for_trouble(self) -> None:
        atoms, conditions = self.atoms, self.conditions
        if not np.isfinite(atoms.positions).all() or not np.isfinite(atoms.get_momenta()).all():
            raise Stopped("the dynamics blew up: positions are not finite")
        temperature = atoms.get_kinetic_energy() / (1.5 * len(atoms)) / _kB()
        limit = conditions.temperature * (2.0 + EXCESS * np.sqrt(2.0 / (3.0 * len(atoms))))
        if temperature > limit:
            raise Stopped(f"the dynamics blew up: {temperature:.0f} K where {conditions.temperature:g} K are meant")
        if (close := too_close(atoms, conditions.closest)) is not None:
            raise Stopped(f"the dynamics blew up: {close}")
        ratio = float(np.sqrt((self.displacements**2).sum(axis=1).mean())) / self._spacing
        if ratio > conditions.melting:
            raise Stopped(
                f"the cell melted: atoms moved by {ratio:.2f} of the nearest-neighbour distance (rms; limit "
                f"{conditions.melting:g})"
            )


def timestep_of(atoms: Atoms, conditions: Conditions) -> float:
    """Time step in fs: hydrogen moves twice as fast as the rest."""
    return conditions.timestep or (1.0 if (atoms.numbers == 1).any() else 2.0)


def nearest_distance(atoms: Atoms) -> float:
    """Shortest distance between atoms in Å, periodic images included."""
    from vesin import NeighborList

    for reach in (4.0, 8.0, 16.0, 32.0):
        (found,) = NeighborList(cutoff=reach, full_list=False).compute(
            points=atoms.positions, box=atoms.cell.array, periodic=np.array(atoms.pbc), quantities="d"
        )
        if len(found):
            return float(found.min())
    return reach


def too_close(atoms: Atoms, share: float) -> str | None:
    """The first pair closer than `share` of the sum of covalent radii, in words; None where there is none.

    Radii: Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j, as ASE holds them.
    """
    from ase.data import chemical_symbols, covalent_radii
    from vesin import NeighborList

    radii = covalent_radii[atoms.numbers]
    i, j, d = NeighborList(cutoff=2.0 * share * float(radii.max()), full_list=False).compute(
        points=atoms.positions, box=atoms.cell.array, periodic=np.array(atoms.pbc), quantities="ijd"
    )
    ratio = d / (radii[i] + radii[j])
    if not len(ratio) or ratio.min() >= share:
        return None
    worst = int(np.argmin(ratio))
    one, other = (chemical_symbols[atoms.numbers[k[worst]]] for k in (i, j))
    return f"{one} and {other} are {d[worst]:.2f} Å apart"


def _kB() -> float:
    from ase import units

    return units.kB


def _momenta(atoms: Atoms, temperature: float, rng: np.random.Generator) -> np.ndarray:
    """Maxwell-Boltzmann, without drift."""
    masses = atoms.get_masses()[:, None]
    momenta = rng.normal(size=(len(atoms), 3)) * np.sqrt(masses * _kB() * temperature)
    return momenta - masses * momenta.sum(axis=0) / masses.sum()


def _integrator(atoms: Atoms, conditions: Conditions, rng: np.random.Generator) -> Any:
    from ase import units
    from ase.md.langevinbaoab import LangevinBAOAB

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using heuristic P_mass")
        return LangevinBAOAB(
            atoms,
            timestep_of(atoms, conditions) * units.fs,
            temperature_K=conditions.temperature,
            externalstress=None if conditions.pressure is None else -conditions.pressure * GPA,
            T_tau=conditions.friction_time * units.fs,
            P_tau=conditions.pressure_time * units.fs,
            rng=rng,
        )
