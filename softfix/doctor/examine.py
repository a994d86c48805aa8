"""All checks on a set of frames, by one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from softfix.data.check import MAX_FORCE
from softfix.data.frames import Frame
from softfix.doctor.copies import copies, leaked
from softfix.doctor.energies import inconsistent_energies, mixed_functionals
from softfix.doctor.environments import lone_environments
from softfix.doctor.finding import SURE, Diagnosis, Finding
from softfix.doctor.kinds import energy_kinds, mixed_levels
from softfix.doctor.refusals import close_atoms, refused
from softfix.doctor.stress import shear_order, stress_units
from softfix.doctor.subject import Subject
from softfix.doctor.symmetry import broken_symmetry, net_forces
from softfix.doctor.tails import far_energies, far_tails
from softfix.doctor.units import label_units
from softfix.evaluations import evaluate_base

if TYPE_CHECKING:
    from softfix.bases.protocol import Base

CHECKS: dict[str, Callable[[Subject], list[Finding]]] = {
    "units of energies and forces": label_units,
    "units and sign of stresses": stress_units,
    "order of stresses": shear_order,
    "kind of energy": energy_kinds,
    "levels of theory": mixed_levels,
    "mixed functionals": mixed_functionals,
    "energies against forces": inconsistent_energies,
    "copies": copies,
    "test frames in training": leaked,
    "net forces": net_forces,
    "symmetry": broken_symmetry,
    "far tails": far_tails,
    "far energies": far_energies,
    "close atoms": close_atoms,
    "lone environments": lone_environments,
}


def examine(
    frames: Sequence[Frame],
    base: Base | None = None,
    test: Sequence[Frame] = (),
    max_force: float = MAX_FORCE,
    track: Callable[[Iterable], Iterable] = iter,
) -> Diagnosis:
    """Everything that is wrong, or looks so, with labelled frames.

    Args:
        frames: frames as they were read, not yet checked; labels in eV, eV/Å and eV/Å^3.
        base: potential whose evaluations (cached) tell units, orders and far tails; most checks need none.
        test: frames that should not be among `frames`.
        max_force: largest believable force in eV/Å.
        track: wraps the frames that the base goes through.

    Raises:
        SoftfixError: if the base does not know an element or gives a number that is not finite.
    """
    findings, sound = refused(frames, max_force)
    evaluations = None if base is None else evaluate_base(base, sound, track=track)
    subject = Subject(sound, evaluations, test)
    return diagnosis(subject, findings, None if base is None else base.identity.spec)


def diagnosis(subject: Subject, findings: Sequence[Finding] = (), base: str | None = None) -> Diagnosis:
    """All checks of `CHECKS` on a subject, behind the findings there are already, the surest first."""
    every = [*findings, *(found for check in CHECKS.values() for found in check(subject))]
    every.sort(key=lambda finding: SURE.index(finding.sure))
    return Diagnosis(frames=len(subject.frames), base=base, checks=["refusals", *CHECKS], findings=every)
