"""Point defects in supercells: vacancies, interstitials, exchanged pairs; neutral, relaxed in a fixed cell.

E_f = E_defect - E_perfect + sum of the atoms taken out minus those put in, each at the energy per atom of a
reservoir: a structure of that element alone among those given, or the crystal itself where it is elemental. An
exchange of two atoms needs no reservoir.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms
from pydantic import BaseModel, ConfigDict, Field

from softfix.data.labels import atoms_of
from softfix.errors import SoftfixError
from softfix.properties.checks import read_values
from softfix.properties.findings import Findings, Value
from softfix.properties.phonons import widths
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings
from softfix.properties.symmetry import symmetry_of

REACH = 5.0  # Å; least width of a supercell where there is no correction to tell its cutoff


class DefectSettings(BaseModel):
    """Which defects, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vacancies: bool = Field(True, description="One vacancy per kind of site.")
    antisites: bool = Field(True, description="The nearest pair of each two elements, exchanged.")
    interstitials: list[tuple[str, float, float, float]] = Field(
        [], description="Element and fractional coordinates in the cell given."
    )
    width: float = Field(10.0, gt=0, description="Least width of the supercell, Å.")
    supercell: tuple[int, int, int] | None = Field(None, description="Its repeats, instead of a width.")
    relaxation: RelaxationSettings = RelaxationSettings(force=0.02)


@dataclass(frozen=True, eq=False)
class Defect:
    """A defect in its supercell, and what was put in (1) or taken out (-1)."""

    name: str
    atoms: Atoms
    change: dict[str, int] = field(default_factory=dict)


def measure(problem: Problem, potential: Potential) -> Findings:
    """Formation energies by a potential, in its own relaxed crystal."""
    settings = problem.settings
    (cell,) = potential.relaxed([problem.atoms], settings.relaxation)
    perfect = cell * _repeats(cell, problem, potential)
    defects = list(defects_of(cell, perfect, settings))
    if not defects:
        raise SoftfixError("No defect is asked for: see vacancies, antisites and interstitials in the settings.")
    reservoirs = _reservoirs(problem, potential, {symbol for defect in defects for symbol in defect.change})
    relaxed = potential.relaxed([d.atoms for d in defects], settings.relaxation, cell="fixed", symmetric=False)
    first, *energies = potential.energies([perfect, *relaxed])
    values = []
    for defect, energy in zip(defects, energies, strict=True):
        exchanged = sum(number * reservoirs[symbol] for symbol, number in defect.change.items())
        values.append(Value(defect.name, "eV", float(energy - first - exchanged)))
    return Findings(values)


def read_reference(problem: Problem) -> Findings | None:
    """Formation energies in eV from a JSON file, e.g. {"vacancy Cu": 1.2}."""
    if problem.reference is None:
        return None
    cell = problem.atoms
    known = {defect.name: "eV" for defect in defects_of(cell, cell * (2, 2, 2), problem.settings)}
    return Findings([Value(name, "eV", value) for name, value in read_values(problem.reference, known).items()])


def defects_of(cell: Atoms, perfect: Atoms, settings: DefectSettings) -> Iterator[Defect]:
    """The defects asked for, one per kind of site; `perfect` repeats `cell`, whose atoms come first in it."""
    if settings.vacancies:
        sites = sorted(set(symmetry_of(cell).get_map_atoms().tolist()))
        symbols = [cell.symbols[i] for i in sites]
        for site, symbol in zip(sites, symbols, strict=True):
            atoms = perfect.copy()
            del atoms[site]
            name = f"vacancy {symbol}" if symbols.count(symbol) == 1 else f"vacancy {symbol}, site {site}"
            yield Defect(name, atoms, {symbol: -1})
    if settings.antisites:
        yield from _exchanges(perfect)
    for symbol, *place in settings.interstitials:
        atoms = perfect.copy()
        atoms.append(symbol)
        atoms.positions[-1] = np.array(place) @ cell.cell.array
        yield Defect(f"interstitial {symbol} ({' '.join(f'{x:g}' for x in place)})", atoms, {symbol: 1})


def _exchanges(perfect: Atoms) -> Iterator[Defect]:
    """For each pair of elements, the nearest two atoms exchanged."""
    symbols = sorted(set(perfect.symbols))
    for n, one in enumerate(symbols):
        for other in symbols[n + 1 :]:
            here = next(i for i, symbol in enumerate(perfect.symbols) if symbol == one)
            there = [i for i, symbol in enumerate(perfect.symbols) if symbol == other]
            near = there[int(np.argmin(perfect.get_distances(here, there, mic=True)))]
            atoms = perfect.copy()
            atoms.numbers[[here, near]] = atoms.numbers[[near, here]]
            yield Defect(f"antisite pair {one}-{other}", atoms)


def _repeats(cell: Atoms, problem: Problem, potential: Potential) -> tuple[int, ...]:
    """Repeats of the supercell, which must be wider than the reach of the potential."""
    settings, least = problem.settings, potential.cutoff or REACH
    repeats = settings.supercell or tuple(int(np.ceil(settings.width / w)) for w in widths(cell))
    width = min(n * w for n, w in zip(repeats, widths(cell), strict=True))
    if width < least:
        raise SoftfixError(
            f"{problem.structures[0].source}: a supercell of {' x '.join(map(str, repeats))} is {width:.1f} Å wide, "
            f"less than the cutoff of {least:g} Å, so that a defect would see its images: give more in the settings."
        )
    return repeats


def _reservoirs(problem: Problem, potential: Potential, needed: set[str]) -> dict[str, float]:
    """Energy per atom (eV) of every element that is exchanged."""
    found = {}
    for frame in problem.structures:
        symbols = set(atoms_of(frame).symbols)
        if len(symbols) == 1:
            (atoms,) = potential.relaxed([atoms_of(frame)], problem.settings.relaxation)
            found[symbols.pop()] = float(potential.energies([atoms])[0]) / len(atoms)
    if missing := sorted(needed - set(found)):
        raise SoftfixError(
            f"{problem.structures[0].source}: atoms of {missing[0]} go to or come from a reservoir, which is missing: "
            f"give a structure of {missing[0]} alone as a further --structure, or switch vacancies off in the settings."
        )
    return found


PROPERTY = Property(
    "defects",
    "Point defects",
    DefectSettings,
    measure,
    read_reference,
    structures="several",
    quick={"width": 6.5, "relaxation": {"force": 0.05}},
)
