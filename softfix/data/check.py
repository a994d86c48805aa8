"""Frames that would spoil a fit are refused in one sentence; odd ones are warned of."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from softfix.data.frames import Frame
from softfix.errors import SoftfixError

MAX_FORCE = 50.0  # eV/Å; first-principles frames worth a fit stay below, wrong units do not
MIN_DISTANCE = 0.3  # Å; shorter than any bond (H2: 0.74)
MIN_VOLUME = 1e-3  # Å^3


class SoftfixWarning(UserWarning):
    """Something that a user should know of, but that does not stop the work."""


def check_frames(frames: Sequence[Frame], max_force: float = MAX_FORCE) -> None:
    """Go through all checks of every frame; the first fault stops.

    Args:
        frames: what was read.
        max_force: largest believable force in eV/Å.

    Raises:
        SoftfixError: naming the file, the frame, the value and what to do.

    Warns:
        SoftfixWarning: if some frames are copies of others.
    """
    for frame in frames:
        check_atoms(frame)
        check_labels(frame)
        check_cell(frame)
        check_distances(frame)
        check_force_limit(frame, max_force)
    check_copies(frames)


def check_atoms(frame: Frame) -> None:
    """There are atoms, of known elements, at finite places."""
    if len(frame) == 0:
        raise SoftfixError(f"{frame.source} holds no atoms: take it out.")
    if (frame.numbers < 1).any():
        unknown = int(np.argmin(frame.numbers))
        raise SoftfixError(f"{frame.source}: atom {unknown} (counted from 0) is of no element: name it or take it out.")
    _check_finite(frame, "position", frame.positions)
    _check_finite(frame, "cell", frame.cell)


def check_cell(frame: Frame) -> None:
    """A periodic frame has a cell with a volume; a molecule needs none."""
    if frame.pbc.any() and frame.volume < MIN_VOLUME:
        raise SoftfixError(
            f"{frame.source} is periodic but its cell has a volume of {frame.volume:.3g} Å^3: give its three "
            "lattice vectors, or pbc='F F F' for a molecule."
        )


def check_distances(frame: Frame) -> None:
    """No atoms on top of each other, periodic images included."""
    from vesin import NeighborList

    search = NeighborList(cutoff=MIN_DISTANCE, full_list=False)
    i, j, distance = search.compute(points=frame.positions, box=frame.cell, periodic=frame.pbc, quantities="ijd")
    if len(distance):
        worst = int(np.argmin(distance))
        raise SoftfixError(
            f"{frame.source}: {_atom(frame, i[worst])} and {_atom(frame, j[worst])} are "
            f"{distance[worst]:.3f} Å apart, less than {MIN_DISTANCE} Å: mend the positions or take the "
            "frame out."
        )


def check_labels(frame: Frame) -> None:
    """Every label is a finite number."""
    for name, label in (("energy", frame.energy), ("force", frame.forces), ("stress", frame.stress)):
        if label is not None:
            _check_finite(frame, name, np.asarray(label))


def check_force_limit(frame: Frame, max_force: float) -> None:
    """No force is larger than what a sound DFT frame shows."""
    if frame.forces is None:
        return
    size = np.linalg.norm(frame.forces, axis=1)
    worst = int(np.argmax(size))
    if size[worst] > max_force:
        raise SoftfixError(
            f"{frame.source}: the force on {_atom(frame, worst)} is {size[worst]:.1f} eV/Å, above the limit "
            f"of {max_force:g}: check the units, take the frame out, or raise the limit with --max-force."
        )


def check_copies(frames: Sequence[Frame]) -> None:
    """Refuse a set that is one structure many times; warn of copies among others."""
    different = len({frame.content_hash for frame in frames})
    copies = len(frames) - different
    if copies and different == 1:
        raise SoftfixError(
            f"All {len(frames)} frames, from {frames[0].source} on, are the same structure and teach no more "
            "than one: give that one, or different ones."
        )
    if copies:
        one, other = _first_copy(frames)
        warnings.warn(
            f"{copies} of {len(frames)} frames repeat the structure of another (first: {other.source} that "
            f"of {one.source}); such a structure weighs more in a fit.",
            SoftfixWarning,
            stacklevel=4,
        )


def _first_copy(frames: Sequence[Frame]) -> tuple[Frame, Frame]:
    """The first frame that repeats the structure of an earlier one, after that one."""
    seen: dict[str, Frame] = {}
    for frame in frames:
        if (earlier := seen.setdefault(frame.content_hash, frame)) is not frame:
            return earlier, frame
    raise ValueError("no copies among the frames")


def _atom(frame: Frame, index: int) -> str:
    from ase.data import chemical_symbols

    return f"atom {index} ({chemical_symbols[frame.numbers[index]]}, counted from 0)"


def _check_finite(frame: Frame, name: str, values: np.ndarray) -> None:
    values = np.atleast_1d(values)
    if np.isfinite(values).all():
        return
    first = tuple(np.argwhere(~np.isfinite(values))[0])
    place = f" of {_atom(frame, first[0])}" if name in ("position", "force") else ""
    raise SoftfixError(f"{frame.source}: the {name}{place} is {values[first]}: mend it or take the frame out.")
