"""Energy against volume and what follows from its minimum (third-order Birch-Murnaghan).

Birch, Phys. Rev. 71, 809 (1947), doi:10.1103/PhysRev.71.809. Atoms, and the shape of the cell, relax at each volume.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms, units
from ase.eos import EquationOfState
from pydantic import BaseModel, ConfigDict, Field

from softfix.data.read import read_frames
from softfix.errors import SoftfixError
from softfix.properties.checks import read_values, require_composition
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings

UNITS = {"volume": "Å^3/atom", "bulk modulus": "GPa", "pressure derivative of the bulk modulus": ""}
FEWEST = 5  # volumes; the fit has four parameters


class EosSettings(BaseModel):
    """How an equation of state is computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    span: float = Field(0.06, gt=0, lt=0.5, description="Largest change of the volume, as a fraction, to both sides.")
    points: int = Field(9, ge=FEWEST, description="Volumes.")
    relaxation: RelaxationSettings = RelaxationSettings()


def measure(problem: Problem, potential: Potential) -> Findings:
    """E(V) of a potential around its own minimum."""
    settings = problem.settings
    (start,) = potential.relaxed([problem.atoms], settings.relaxation)
    scaled = [_scaled(start, 1.0 + x) for x in np.linspace(-settings.span, settings.span, settings.points)]
    relaxed = potential.relaxed(scaled, settings.relaxation, cell="volume")
    atoms = len(start)
    volumes = np.array([one.get_volume() for one in relaxed]) / atoms
    return analyse(volumes, potential.energies(relaxed) / atoms, problem.structures[0].source)


def read_reference(problem: Problem) -> Findings | None:
    """Values from a JSON file, or E(V) from labelled frames of several volumes."""
    if problem.reference is None:
        return None
    if problem.reference.suffix == ".json":
        values = read_values(problem.reference, UNITS)
        return Findings([Value(name, UNITS[name], value) for name, value in values.items()])
    frames = [frame for frame in read_frames(problem.reference) if frame.energy is not None]
    for frame in frames:
        require_composition(problem.structures[0], frame, problem.reference)
    if len(frames) < FEWEST:
        raise SoftfixError(f"{problem.reference} has {len(frames)} energies, but an E(V) curve needs {FEWEST} or more.")
    volumes = np.array([frame.volume / len(frame) for frame in frames])
    energies = np.array([float(frame.energy or 0.0) / len(frame) for frame in frames])
    return analyse(volumes, energies, str(problem.reference))


def compare(own: Findings, reference: Findings) -> list[Value]:
    """Distance of the curves over the volumes of the reference, each from its own minimum."""
    if "volumes" not in reference.arrays:
        return []
    volumes = reference.arrays["volumes"]
    ours = birch_murnaghan(volumes, *own.arrays["parameters"]) - own.arrays["parameters"][0]
    theirs = reference.arrays["energies"] - reference.arrays["parameters"][0]
    return [
        Value("energy error over the curve (rms)", "meV/atom", 1000.0 * float(np.sqrt(np.mean((ours - theirs) ** 2))))
    ]


def analyse(volumes: np.ndarray, energies: np.ndarray, source: str) -> Findings:
    """Fit E(V).

    Args:
        volumes: Å^3/atom.
        energies: eV/atom.
        source: for messages.

    Raises:
        SoftfixError: if the lowest energy stands at an end of the curve.
    """
    order = np.argsort(volumes)
    volumes, energies = volumes[order], energies[order]
    if (lowest := int(np.argmin(energies))) in (0, len(volumes) - 1):
        side = "smaller" if lowest == 0 else "larger"
        raise SoftfixError(
            f"{source}: the energy is lowest at the end of the curve ({volumes[lowest]:.2f} Å^3/atom), so that the "
            f"structure is not relaxed there: give {side} volumes too."
        )
    fitted = EquationOfState(volumes, energies, eos="birchmurnaghan")
    fitted.fit(warn=False)
    energy, modulus, slope, volume = fitted.eos_parameters
    numbers = (volume, modulus / units.GPa, slope)
    smooth = np.linspace(volumes[0], volumes[-1], 100)
    parameters = np.array([energy, modulus, slope, volume])
    curve = 1000.0 * (birch_murnaghan(smooth, *parameters) - energy)
    axes = ("volume, Å^3/atom", "energy above the minimum, meV/atom")
    return Findings(
        [Value(name, unit, float(n)) for (name, unit), n in zip(UNITS.items(), numbers, strict=True)],
        [Drawing("energy-volume", *axes, [(smooth, curve)])],
        arrays={"volumes": volumes, "energies": energies, "parameters": parameters},
    )


def birch_murnaghan(volume: np.ndarray, energy: float, modulus: float, slope: float, least: float) -> np.ndarray:
    """E(V) = E_0 + 9/16 B V_0 (x - 1)^2 (6 - 4 x + B' (x - 1)) with x = (V_0 / V)^(2/3).

    Args:
        volume: Å^3.
        energy: E_0, eV.
        modulus: B, eV/Å^3.
        slope: B'.
        least: V_0, Å^3.
    """
    x = (least / volume) ** (2.0 / 3.0)
    return energy + 9.0 / 16.0 * modulus * least * (x - 1.0) ** 2 * (6.0 - 4.0 * x + slope * (x - 1.0))


def _scaled(atoms: Atoms, factor: float) -> Atoms:
    scaled = atoms.copy()
    scaled.set_cell(atoms.cell.array * factor ** (1.0 / 3.0), scale_atoms=True)
    return scaled


PROPERTY = Property(
    "eos",
    "Equation of state",
    EosSettings,
    measure,
    read_reference,
    compare,
    quick={"points": 5, "relaxation": {"force": 0.02}},
)
