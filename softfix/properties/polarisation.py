"""Cell shape and polarisation of polar phases, relaxed by each potential, from given Born charges.

The first structure is the parent phase, whose sites displacements are counted from; the others hold its atoms in its
order. See `softfix.properties.born` for the formula.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from pydantic import BaseModel, ConfigDict, Field

from softfix.data.keys import LabelKeys
from softfix.data.labels import atoms_of
from softfix.data.read import read_frames
from softfix.errors import SoftfixError
from softfix.properties.born import CHARGES, Charges, charges_of, displacements, polarisation, require_near
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.polymorphs import names_of
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings


class PolarisationSettings(BaseModel):
    """How polar phases are measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    born_charges: Charges | None = Field(None, description=f"{CHARGES} Without them, cell shapes alone.")
    relax: bool = Field(True, description="Relax each phase, cell included, within its symmetry.")
    relaxation: RelaxationSettings = RelaxationSettings(force=0.01)


def measure(problem: Problem, potential: Potential) -> Findings:
    """Phases of a potential."""
    structures = [atoms_of(frame) for frame in problem.structures]
    if problem.settings.relax:
        structures = potential.relaxed(structures, problem.settings.relaxation)
    return findings_of(problem, structures)


def read_reference(problem: Problem) -> Findings | None:
    """The same phases in the same order, as DFT relaxed them; only their geometry is read."""
    names_of(problem.structures)
    require_near(problem.structures[0], problem.structures[1:])
    if problem.reference is None:
        return None
    frames = read_frames(problem.reference, LabelKeys(required=False))
    if len(frames) != len(problem.structures):
        raise SoftfixError(
            f"{problem.reference} holds {len(frames)} structures, but {len(problem.structures)} are measured: give the "
            "same phases in the same order, relaxed by DFT."
        )
    require_near(problem.structures[0], frames)
    return findings_of(problem, [atoms_of(frame) for frame in frames])


def findings_of(problem: Problem, structures: Sequence[Atoms]) -> Findings:
    """Shape of every phase, and polarisation of all but the parent."""
    names, given = names_of(problem.structures), problem.settings.born_charges
    values = [value for name, atoms in zip(names, structures, strict=True) for value in _shape(name, atoms)]
    if given is None:
        return Findings(values)
    parent = problem.structures[0]
    charges, sizes = charges_of(parent, given), []
    for name, atoms in zip(names[1:], structures[1:], strict=True):
        vector = polarisation(charges, displacements(parent, atoms), atoms.get_volume())
        sizes.append(float(np.linalg.norm(vector)))
        values.append(Value(f"polarisation of {name}", "µC/cm^2", sizes[-1]))
    line = (np.arange(len(sizes), dtype=float), np.array(sizes))
    ticks = [(float(i), name) for i, name in enumerate(names[1:])]
    return Findings(values, [Drawing("polarisation", "", "polarisation, µC/cm²", [line], "points", ticks, True)])


def _shape(name: str, atoms: Atoms) -> list[Value]:
    """Lengths, the longest over the shortest, and volume."""
    lengths = atoms.cell.lengths()
    values = [Value(f"{axis} of {name}", "Å", float(length)) for axis, length in zip("abc", lengths, strict=True)]
    return [
        *values,
        Value(f"longest over shortest axis of {name}", "", float(lengths.max() / lengths.min())),
        Value(f"volume of {name}", "Å^3/atom", float(atoms.get_volume() / len(atoms))),
    ]


PROPERTY = Property(
    "polarisation",
    "Polarisation",
    PolarisationSettings,
    measure,
    read_reference,
    structures="several",
    quick={"relaxation": {"force": 0.05}},
)
