"""Energies of competing phases of one compound, from the first structure given.

Structures are taken as they are, so that labelled ones are compared with their own DFT energy, or relaxed by each
potential.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.errors import SoftfixError
from softfix.properties.checks import formula, read_values
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings


class PolymorphSettings(BaseModel):
    """How phases are compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    relax: bool = Field(False, description="Relax each phase, cell included, within its symmetry.")
    relaxation: RelaxationSettings = RelaxationSettings(force=0.01)


def measure(problem: Problem, potential: Potential) -> Findings:
    """Energies of a potential."""
    names = names_of(problem.structures)
    structures = [atoms_of(frame) for frame in problem.structures]
    if problem.settings.relax:
        structures = potential.relaxed(structures, problem.settings.relaxation)
    energies = potential.energies(structures) / [len(atoms) for atoms in structures]
    return findings_of(names, energies)


def read_reference(problem: Problem) -> Findings | None:
    """Energies in meV/atom from a JSON file by name, or the labels of the structures if all have one."""
    names = names_of(problem.structures)
    if problem.reference is not None:
        known = {_quantity(name, names[0]): "meV/atom" for name in names[1:]}
        values = read_values(problem.reference, known)
        return Findings([Value(name, "meV/atom", value) for name, value in values.items()])
    if any(frame.energy is None for frame in problem.structures):
        return None
    return findings_of(names, np.array([float(frame.energy or 0.0) / len(frame) for frame in problem.structures]))


def compare(own: Findings, reference: Findings) -> list[Value]:
    """Largest error, and whether the phases stand in the order of the reference (1) or not (0)."""
    if "energies" not in reference.arrays:
        return []
    mine, other = own.arrays["energies"], reference.arrays["energies"]
    same = (np.argsort(mine) == np.argsort(other)).all()
    return [
        Value("largest error", "meV/atom", float(np.abs(mine - other).max())),
        Value("order of the reference", "", float(same)),
    ]


def findings_of(names: Sequence[str], energies: np.ndarray) -> Findings:
    """Differences from the first phase; `energies` in eV/atom."""
    above = 1000.0 * (energies - energies[0])
    values = [
        Value(_quantity(name, names[0]), "meV/atom", float(energy))
        for name, energy in zip(names[1:], above[1:], strict=True)
    ]
    ticks = [(float(i), name) for i, name in enumerate(names)]
    line = (np.arange(len(names), dtype=float), above)
    drawing = Drawing("polymorphs", "", f"energy above {names[0]}, meV/atom", [line], "points", ticks)
    return Findings(values, [drawing], arrays={"energies": above})


def names_of(frames: Sequence[Frame]) -> list[str]:
    """A name for each phase: its config_type, or its place where that tells nothing.

    Raises:
        SoftfixError: for fewer than two phases, or phases of several compounds.
    """
    if len(frames) < 2:
        raise SoftfixError(
            f"{frames[0].source}: polymorphs are two structures or more, the first being the parent phase."
        )
    for frame in frames[1:]:
        if (other := formula(frame)) != (first := formula(frames[0])):
            raise SoftfixError(
                f"{frame.source} is {other}, but the parent phase {frames[0].source} is {first}: give phases of one "
                "compound."
            )
    types = [frame.config_type.removeprefix("phase:").split(";")[0] for frame in frames]
    return types if len(set(types)) == len(types) else [f"structure {number}" for number in range(1, len(frames) + 1)]


def _quantity(name: str, parent: str) -> str:
    return f"{name} above {parent}"


PROPERTY = Property(
    "polymorphs",
    "Polymorphs",
    PolymorphSettings,
    measure,
    read_reference,
    compare,
    structures="several",
    quick={"relaxation": {"force": 0.05}},
)
