"""Order parameter against temperature: the polarisation of a supercell in molecular dynamics.

Each temperature starts from the polar phase, relaxed by the potential and repeated, and runs with ASE's integrator (see
`softfix.dynamics`) at constant pressure. A small supercell turns over: the mean of |P| does not vanish above the
transition but falls as 1 / sqrt(atoms), while |mean P| does; both are told. Nuclei are classical.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from pydantic import BaseModel, ConfigDict, Field

from softfix.data.labels import atoms_of
from softfix.dynamics import Conditions, Dynamics, Moment, Stopped
from softfix.errors import SoftfixError
from softfix.properties.born import (
    CHARGES,
    Charges,
    charges_of,
    displacements,
    polarisation,
    repeated,
    require_two_phases,
)
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.potential import Potential, geometry
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings
from softfix.properties.steps import digest

SEGMENT = 100  # steps that a kill costs at most
EVERY = 5  # steps between two measurements


class OrderParameterSettings(BaseModel):
    """How the supercell is heated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    born_charges: Charges | None = Field(None, description=CHARGES)
    temperatures: tuple[float, ...] = Field((300.0, 700.0, 1100.0), min_length=1, description="K.")
    repeats: tuple[int, int, int] = Field((2, 2, 2), description="Cells of the supercell.")
    steps: int = Field(1000, ge=SEGMENT, multiple_of=SEGMENT, description="Steps at each temperature.")
    equilibration: float = Field(0.3, ge=0, lt=1, description="Share of them that is not measured.")
    conditions: Conditions = Field(
        Conditions(pressure=0.0, melting=0.6), description="Pressure (none: constant volume), time step, thermostat."
    )
    seed: int = 0
    relaxation: RelaxationSettings = RelaxationSettings(force=0.01)


class Course(NamedTuple):
    """What is measured every EVERY steps."""

    displaced: Any  # (times, atoms of the parent, 3) Å, means over the cells
    lengths: Any  # (times, 3) Å, of one cell
    volumes: Any  # (times,) Å^3, of one cell


def measure(problem: Problem, potential: Potential) -> Findings:
    """Order parameter of a potential at every temperature."""
    settings = problem.settings
    charges = charges_of(problem.structures[0], settings.born_charges)
    (polar,) = potential.relaxed([atoms_of(problem.structures[1])], settings.relaxation)
    values: list[Value] = []
    line: list[tuple[float, float]] = []
    notes: list[str] = []
    for temperature in settings.temperatures:
        course = _run(problem, potential, polar, temperature, notes)
        if course is None:
            continue
        P = np.array([polarisation(charges, *each) for each in zip(course.displaced, course.volumes, strict=True)])
        lengths = np.sort(course.lengths.mean(axis=0))
        line.append((temperature, float(np.linalg.norm(P.mean(axis=0)))))
        values += [
            Value(f"|mean P| at {temperature:g} K", "µC/cm^2", line[-1][1]),
            Value(f"mean |P| at {temperature:g} K", "µC/cm^2", float(np.linalg.norm(P, axis=1).mean())),
            Value(f"longest over shortest axis at {temperature:g} K", "", float(lengths[-1] / lengths[0])),
        ]
    places, heights = np.array(line).reshape(-1, 2).T
    drawing = Drawing(
        "order-parameter", "temperature, K", "|mean P|, µC/cm²", [(places, heights)], "points and line", from_zero=True
    )
    return Findings(values, [drawing], notes)


def read_reference(problem: Problem) -> Findings | None:
    """None: there is no reference but experiment, which other things decide too."""
    require_two_phases(problem.structures, "an order parameter")
    charges_of(problem.structures[0], problem.settings.born_charges)
    if problem.reference is not None:
        raise SoftfixError(f"{problem.reference} is not read: order-parameter has no reference.")
    return None


def _run(problem: Problem, potential: Potential, polar: Atoms, temperature: float, notes: list[str]) -> Course | None:
    """What counts of a run, whose segments are kept on disk; none of a run that is lost, which is told."""
    settings, courses, moment = problem.settings, [], None
    conditions = settings.conditions.model_copy(update={"temperature": temperature})
    hashes = [problem.structures[0].content_hash, geometry(polar).content_hash]
    how = (settings.repeats, conditions.model_dump(), settings.seed, SEGMENT, EVERY)
    for number in potential.track(range(settings.steps // SEGMENT)):
        key = digest(potential.key, "order parameter", hashes, how, number)
        segment = partial(_segment, problem, potential, polar, conditions, moment)
        found = potential.steps.get(key, segment)
        if "stopped" in found:
            notes.append(f"{temperature:g} K: {found['stopped']}; that run does not count.")
            return None
        courses.append([np.array(each) for each in found["course"]])
        moment = Moment({name: np.array(array) for name, array in found["arrays"].items()}, found["rng"])
    kept = max(1, round((1.0 - settings.equilibration) * settings.steps / EVERY))
    return Course(*(np.concatenate(each)[-kept:] for each in zip(*courses, strict=True)))


def _segment(
    problem: Problem, potential: Potential, polar: Atoms, conditions: Conditions, moment: Moment | None
) -> dict[str, Any]:
    """SEGMENT steps from a moment, or from the polar phase; or why they ended."""
    settings, parent = problem.settings, problem.structures[0]
    atoms, sites = polar * settings.repeats, repeated(parent, settings.repeats)
    atoms.calc = potential.calculator
    dynamics = Dynamics(atoms, conditions, np.random.default_rng(settings.seed), moment)
    cells = np.array(settings.repeats)
    course = Course([], [], [])
    try:
        for step in range(1, SEGMENT + 1):
            dynamics.step()
            if step % EVERY == 0:
                moved = displacements(sites, atoms).reshape(cells.prod(), len(parent), 3)
                course.displaced.append(moved.mean(axis=0).tolist())
                course.lengths.append((atoms.cell.lengths() / cells).tolist())
                course.volumes.append(float(atoms.get_volume() / cells.prod()))
    except Stopped as stopped:
        return {"stopped": str(stopped)}
    now = dynamics.moment
    arrays = {name: array.tolist() for name, array in now.arrays.items()}
    return {"course": course, "arrays": arrays, "rng": now.rng}


PROPERTY = Property(
    "order-parameter",
    "Order parameter against temperature",
    OrderParameterSettings,
    measure,
    read_reference,
    structures="several",
    quick={"temperatures": [300.0], "repeats": [1, 1, 1], "steps": 100, "relaxation": {"force": 0.05}},
)
