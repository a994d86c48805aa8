"""Measure a property: base, corrected and reference, into a folder of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import softfix
from softfix.data.frames import Frame
from softfix.errors import SoftfixError
from softfix.evaluations import check_elements
from softfix.files import atomic_path
from softfix.label.lock import locked
from softfix.properties import find_property
from softfix.properties.figure import draw
from softfix.properties.findings import Findings
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property
from softfix.properties.result import FILE, Curve, Panel, Provenance, Result, Role, Row
from softfix.properties.steps import Steps

if TYPE_CHECKING:
    from softfix.bases.protocol import Base
    from softfix.correction import Correction

STEPS = "steps.jsonl"
DIGITS = 6  # of the numbers kept; below lies rounding


@dataclass(frozen=True)
class Potentials:
    """A base, and a correction of it if there is one."""

    base: Base
    correction: Correction | None = None
    correction_file: Path | None = None


def measure_property(
    name: str, structures: Sequence[Frame], potentials: Potentials, folder: str | Path,
    reference: Path | None = None, settings: Any = None, quick: bool = False,
    track: Callable[[Iterable], Iterable] = iter,
) -> Result:  # fmt: skip
    """Measure a property and write `folder`/NAME/result.json and its figures.

    A run that was stopped goes on: evaluations of the base are in the user's cache, relaxations in steps.jsonl.

    Args:
        name: of the property, see `softfix.properties.NAMES`.
        structures: one or more, as the property needs.
        potentials: what to measure with.
        folder: for results.
        reference: file of DFT numbers, as the property reads it.
        settings: of the property; its defaults if None.
        quick: coarse settings, for trying out.
        track: wraps what is gone through, e.g. in a progress bar.

    Raises:
        SoftfixError: for structures, settings or a reference that do not serve.
    """
    found = find_property(name)
    _require_number(found, structures)
    check_elements(potentials.base, structures)
    problem = Problem(structures, reference, _settings(found, settings, quick))
    place = Path(folder) / name
    with locked(place / FILE):
        result = _result(found, problem, potentials, Steps(place / STEPS), track)
        write_result(result, place)
    return result


def write_result(result: Result, place: Path) -> None:
    """Write result.json and a figure per panel, each atomically; the numbers come last."""
    for panel in result.panels:
        draw(panel, place / f"{panel.name}.svg")
    with atomic_path(place / FILE) as temporary:
        temporary.write_text(result.model_dump_json(indent=1), encoding="utf-8")


def _require_number(found: Property, structures: Sequence[Frame]) -> None:
    if found.structures == "one" and len(structures) > 1:
        raise SoftfixError(
            f"{found.name} takes one structure, but {len(structures)} are given, from {structures[0].source} on: "
            "choose one."
        )


def _settings(found: Property, settings: Any, quick: bool) -> Any:
    chosen = settings or found.settings()
    if quick:
        given = chosen.model_dump(exclude_unset=True)
        chosen = found.settings.model_validate({**found.quick, **given})
    return chosen


def _result(
    found: Property, problem: Problem, potentials: Potentials, steps: Steps, track: Callable[[Iterable], Iterable]
) -> Result:  # fmt: skip
    """Findings of all, as rows and panels; the reference first, so that a bad one is told at once."""
    reference = found.reference(problem)
    findings: dict[Role, Findings] = {}
    for correction in (None, potentials.correction) if potentials.correction else (None,):
        potential = Potential(potentials.base, correction, steps, track)
        own = found.measure(problem, potential)
        more = found.compare(own, reference) if reference else []
        findings[potential.role] = Findings(own.values + more, own.drawings, own.notes, own.arrays)
    if reference:
        findings["reference"] = reference
    return Result(
        name=found.name,
        title=found.title,
        rows=_rows(findings),
        panels=_panels(findings),
        notes=_notes(findings),
        provenance=_provenance(problem, potentials),
    )


def _rows(findings: dict[Role, Findings]) -> list[Row]:
    table: dict[tuple[str, str], dict[Role, float]] = {}
    for role, found in findings.items():
        for quantity, unit, value in found.values:
            table.setdefault((quantity, unit), {})[role] = round(value, DIGITS) + 0.0  # and no -0.0
    return [Row(quantity=quantity, unit=unit, **values) for (quantity, unit), values in table.items()]


def _panels(findings: dict[Role, Findings]) -> list[Panel]:
    first = {drawing.name: drawing for found in reversed(findings.values()) for drawing in found.drawings}
    curves: dict[str, list[Curve]] = {name: [] for name in first}
    for role, found in findings.items():
        for drawing in found.drawings:
            curves[drawing.name] += [Curve(of=role, x=_short(x), y=_short(y)) for x, y in drawing.lines]
    return [
        Panel(
            name=name,
            x_label=one.x_label,
            y_label=one.y_label,
            style=one.style,
            ticks=one.ticks,
            from_zero=one.from_zero,
            curves=curves[name],
        )
        for name, one in first.items()
    ]


def _short(numbers: Any) -> list[float]:
    """Six digits are enough for the eye."""
    return [float(f"{number:.6g}") for number in numbers]


def _notes(findings: dict[Role, Findings]) -> list[str]:
    """Each note once; one that not all share says whose it is."""
    notes: dict[str, list[str]] = {}
    for role, found in findings.items():
        for note in found.notes:
            notes.setdefault(note, []).append(role)
    potentials = [role for role in findings if role != "reference"]
    return [note if set(roles) >= set(potentials) else f"{', '.join(roles)}: {note}" for note, roles in notes.items()]


def _provenance(problem: Problem, potentials: Potentials) -> Provenance:
    file = potentials.correction_file
    return Provenance(
        softfix_version=softfix.__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        structure=problem.structures[0].source,
        structure_sha256=[frame.content_hash for frame in problem.structures],
        base=potentials.base.identity.spec,
        base_key=potentials.base.identity.key,
        correction=str(file) if file else None,
        correction_sha256=hashlib.sha256(file.read_bytes()).hexdigest() if file else None,
        reference=str(problem.reference) if problem.reference else None,
        settings=problem.settings.model_dump(mode="json"),
    )
