"""Surface energies from slabs: (E_slab - N E_bulk) / 2 A, unrelaxed and relaxed.

Miller indices refer to the conventional cell. Slabs keep the composition of the crystal; polar terminations are not
reconstructed.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import surface
from pydantic import BaseModel, ConfigDict, Field

from softfix.errors import SoftfixError
from softfix.properties.checks import read_values
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings
from softfix.properties.symmetry import conventional

JOULE = 16.02176634  # J/m^2 in one eV/Å^2 (SI)
OFF_BOUNDARY = (1.0e-3, 1.4e-3, 1.7e-3)  # Å; far above rounding, along no low-index direction
REACH = 5.0  # Å; least thickness where there is no correction to tell its cutoff


class SurfaceSettings(BaseModel):
    """How surface energies are computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    indices: list[tuple[int, int, int]] = Field([(1, 0, 0), (1, 1, 0), (1, 1, 1)], description="Miller indices.")
    thickness: float = Field(12.0, gt=0, description="Least thickness of a slab, Å.")
    layers: int | None = Field(None, ge=1, description="Repeats of the surface cell, instead of a thickness.")
    vacuum: float = Field(12.0, gt=0, description="Empty space between slabs, Å.")
    relaxation: RelaxationSettings = RelaxationSettings(force=0.02)


def measure(problem: Problem, potential: Potential) -> Findings:
    """Surface energies of a potential, of slabs cut from its own relaxed crystal."""
    settings = problem.settings
    (start,) = potential.relaxed([conventional(problem.atoms)], settings.relaxation)
    slabs = [_slab(start, index, potential, problem) for index in settings.indices]
    relaxed = potential.relaxed(slabs, settings.relaxation, cell="fixed", symmetric=False)
    crystal, *energies = potential.energies([start, *slabs, *relaxed])
    values = []
    for kind, found in (("unrelaxed", energies[: len(slabs)]), ("relaxed", energies[len(slabs) :])):
        for index, slab, energy in zip(settings.indices, slabs, found, strict=True):
            excess = energy - len(slab) / len(start) * crystal
            values.append(Value(_name(index, kind), "J/m^2", float(excess / (2.0 * _area(slab)) * JOULE)))
    ticks = [(float(i), _label(index)) for i, index in enumerate(settings.indices)]
    heights = np.array([value.value for value in values[len(slabs) :]])
    line = (np.arange(len(slabs), dtype=float), heights)
    drawing = Drawing("surfaces", "surface", "relaxed surface energy, J/m²", [line], "points", ticks)
    return Findings(values, [drawing])


def read_reference(problem: Problem) -> Findings | None:
    """Values in J/m^2 from a JSON file, e.g. {"surface energy (100), relaxed": 1.3}."""
    if problem.reference is None:
        return None
    known = {_name(index, kind): "J/m^2" for kind in ("unrelaxed", "relaxed") for index in problem.settings.indices}
    values = read_values(problem.reference, known)
    return Findings([Value(name, "J/m^2", value) for name, value in values.items()])


def _slab(crystal: Atoms, index: tuple[int, int, int], potential: Potential, problem: Problem) -> Atoms:
    """A slab with vacuum, at least as thick as asked and as the potential's reach."""
    settings, least = problem.settings, potential.cutoff or REACH
    one = cut(crystal, index, 1, None)
    step = one.cell.volume / _area(one)
    layers = settings.layers or 1 + int(np.ceil(settings.thickness / step))
    slab = cut(crystal, index, layers, settings.vacuum)
    thickness = float(np.ptp(slab.positions[:, 2]))
    if thickness < least:
        raise SoftfixError(
            f"{problem.structures[0].source}: the {_label(index)} slab of {layers} layers is {thickness:.1f} Å thick, "
            f"less than the cutoff of {least:g} Å, so that its surfaces feel each other: give layers = "
            f"{int(np.ceil(least / step)) + 1} or more, or a thickness, in the settings."
        )
    if settings.vacuum < least:
        raise SoftfixError(
            f"{problem.structures[0].source}: a vacuum of {settings.vacuum:g} Å is less than the cutoff of {least:g} "
            "Å, so that slabs feel each other through it: give more in the settings."
        )
    return slab


def cut(crystal: Atoms, index: tuple[int, int, int], layers: int, vacuum: float | None) -> Atoms:
    """A slab of repeats of the surface cell, with vacuum (Å) if any.

    The crystal is moved off the boundaries of its cell first: an atom on one would end on either side of the slab, as
    rounding has it.
    """
    moved = crystal.copy()
    moved.positions += OFF_BOUNDARY
    moved.wrap(eps=0.0)
    return surface(moved, index, layers, vacuum=None if vacuum is None else 0.5 * vacuum, periodic=True)


def _area(slab: Atoms) -> float:
    return float(np.linalg.norm(np.cross(slab.cell[0], slab.cell[1])))


def _label(index: tuple[int, int, int]) -> str:
    return f"({' '.join(map(str, index))})" if min(index) < 0 or max(index) > 9 else f"({''.join(map(str, index))})"


def _name(index: tuple[int, int, int], kind: str) -> str:
    return f"surface energy {_label(index)}, {kind}"


PROPERTY = Property(
    "surfaces",
    "Surfaces",
    SurfaceSettings,
    measure,
    read_reference,
    quick={"thickness": 7.0, "vacuum": 7.0, "relaxation": {"force": 0.05}},
)
