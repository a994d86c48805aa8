"""Which energy was read: forces are the derivative of the free energy, not of the one extrapolated to sigma -> 0."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from softfix.data.frames import Frame
from softfix.doctor.finding import Finding, Sure, finding
from softfix.doctor.subject import Subject

DIFFERENT = 1e-4  # eV/atom
SMEARING = 0.05  # eV/atom, more than smearing makes of the two kinds


def energy_kinds(subject: Subject) -> list[Finding]:
    """Labels that are not the free energy although the file holds it, and kinds that change among frames."""
    return [*_not_free(subject), *_mixed_keys(subject)]


def _not_free(subject: Subject) -> list[Finding]:
    found = [(frame, gap) for frame in subject.frames if abs(gap := _gap(frame)) > DIFFERENT]
    if not found:
        return []
    largest = max((gap for _, gap in found), key=abs)
    return [
        finding(
            "energy-kind", _sure(*found[0]),
            f"The energy of {len(found)} frames is not the free energy that the file holds beside it.",
            [frame for frame, _ in found],
            "Take the free energy (--energy-key free_energy): forces are its derivative.",
            [("largest_difference", largest, "eV/atom"), ("read_from", _key(found[0][0]), "")],
        )
    ]  # fmt: skip


def _sure(frame: Frame, gap: float) -> Sure:
    """Certain where the energy read is the calculator's own; REF_energy may be of another calculation than the rest."""
    if frame.energies.get("energy") == frame.energy:
        return "certain"
    return "likely" if abs(gap) < SMEARING else "possible"


def _gap(frame: Frame) -> float:
    free = frame.energies.get("free_energy")
    return 0.0 if free is None or frame.energy is None else (frame.energy - free) / len(frame)


def _mixed_keys(subject: Subject) -> list[Finding]:
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in subject.frames:
        if frame.energy is not None:
            groups[_key(frame)].append(frame)
    if len(groups) < 2:
        return []
    kinds = {"free_energy", "energy"} <= set(groups)
    rarest = min(groups, key=lambda key: len(groups[key]))
    return [
        finding(
            "energy-kind", "likely" if kinds else "possible",
            f"Energies were read under different keys: {', '.join(f'{len(v)} {k}' for k, v in groups.items())}.",
            groups[rarest], "Name the key of the free energy with --energy-key.",
            [("frames_with_this_key", len(groups[rarest]), ""), ("key", rarest, "")],
        )
    ]  # fmt: skip


def _key(frame: Frame) -> str:
    return frame.labels_from.split(", ")[0]


def mixed_levels(subject: Subject) -> list[Finding]:
    """Frames that share elements but state different levels of theory."""
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in subject.frames:
        if frame.level is not None:
            groups[frame.level].append(frame)
    if len(groups) < 2:
        return []
    rarest = min(groups, key=lambda level: len(groups[level]))
    elements = {level: set(np.concatenate([f.numbers for f in frames]).tolist()) for level, frames in groups.items()}
    shared = any(elements[rarest] & elements[level] for level in groups if level != rarest)
    return [
        finding(
            "levels", "likely" if shared else "possible", f"The frames state {len(groups)} levels of theory.",
            groups[rarest], "Fit one level at a time, or label the odd frames anew.",
            [("level", rarest, ""), ("frames_of_this_level", len(groups[rarest]), "")],
        )
    ]  # fmt: skip
