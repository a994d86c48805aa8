"""What a fit would refuse, and atoms so close that something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from vesin import NeighborList

from softfix.data.check import MAX_FORCE, check_atoms, check_cell, check_distances, check_force_limit, check_labels
from softfix.data.frames import Frame
from softfix.doctor.finding import Finding, finding
from softfix.doctor.subject import Subject
from softfix.errors import SoftfixError

CLOSE = 0.7  # of the sum of covalent radii
LONE = 0.6  # and of the usual nearest distance in the frame: under pressure all atoms come near together
CRUSHED = 0.4  # of the sum of covalent radii, whatever the others do; solids at 1000 GPa stay above
USELESS: tuple[Callable[[Frame], None], ...] = (check_atoms, check_labels, check_cell, check_distances)


def refused(frames: Sequence[Frame], max_force: float = MAX_FORCE) -> tuple[list[Finding], list[Frame]]:
    """One finding per frame that a fit would stop at, and the frames that can be examined further.

    Args:
        frames: as they were read.
        max_force: largest believable force in eV/Å; frames beyond are examined further, as units may be the cause.
    """
    findings, sound = [], []
    for frame in frames:
        message = next((found for check in USELESS if (found := _message(check, frame))), None)
        if message is None:
            sound.append(frame)
            message = _message(check_force_limit, frame, max_force)
        if message is not None:
            findings.append(finding("refused", "certain", message, [frame], "Mend this frame or take it out."))
    return findings, sound


def _message(check: Callable[..., None], frame: Frame, *limits: float) -> str | None:
    try:
        check(frame, *limits)
    except SoftfixError as error:
        return str(error)
    return None


def close_atoms(subject: Subject) -> list[Finding]:
    """Atoms nearer than matter allows, in units of the sum of their covalent radii (Å)."""
    return [found for frame in subject.frames if (found := _closest(frame))]


def _closest(frame: Frame) -> Finding | None:
    cutoff = 3.0 * float(covalent_radii[frame.numbers].max())
    search = NeighborList(cutoff=cutoff, full_list=True)
    i, j, distance = search.compute(points=frame.positions, box=frame.cell, periodic=frame.pbc, quantities="ijd")
    if not len(distance):
        return None
    radii = covalent_radii[frame.numbers[i]] + covalent_radii[frame.numbers[j]]
    ratio = distance / radii
    nearest = np.full(len(frame), np.inf)
    np.minimum.at(nearest, i, ratio)
    worst = int(np.argmin(ratio))
    others = np.delete(nearest, [i[worst], j[worst]])
    lone = len(others) > 0 and ratio[worst] < min(CLOSE, LONE * float(np.quantile(others, 0.75)))
    if not lone and ratio[worst] > CRUSHED:
        return None
    names = " and ".join(f"atom {k} ({chemical_symbols[frame.numbers[k]]})" for k in (int(i[worst]), int(j[worst])))
    return finding(
        "close-atoms",
        "likely",
        f"{names}, counted from 0, are {distance[worst]:.2f} Å apart, {distance[worst] / radii[worst]:.0%} of the "
        "sum of their covalent radii.",
        [frame],
        "Look at the frame; take it out unless such a collision is meant.",
        [("distance", distance[worst], "Å"), ("covalent_radii", radii[worst], "Å")],
    )
