"""Frames that would spoil a fit are refused in one sentence; odd ones are warned of."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from vesin import NeighborList

from softfix.data.frames import Frame
from softfix.errors import SoftfixError

MAX_FORCE = 50.0  # eV/Å
MIN_DISTANCE = 0.3  # Å, shorter than any bond (H2: 0.74)


class SoftfixWarning(UserWarning):
    """Something that a user should know of, but that does not stop the work."""


def check_frames(frames: Sequence[Frame], max_force: float = MAX_FORCE) -> None:
    """Go through all checks; the first fault stops.

    Raises:
        SoftfixError: naming the file, the frame, the value and what to do.
    """
    for frame in frames:
        check_geometry(frame)
        check_labels(frame, max_force)
    check_copies(frames)


def check_geometry(frame: Frame) -> None:
    """Atoms, finite positions, a cell with a volume where it is periodic, no atoms on top of each other."""
    if len(frame) == 0:
        raise SoftfixError(f"{frame.source} holds no atoms: take it out.")
    _check_finite(frame, "position", frame.positions)
    _check_finite(frame, "cell", frame.cell)
    if frame.pbc.any() and frame.volume < 1e-3:
        raise SoftfixError(
            f"{frame.source} is periodic but its cell has the volume {frame.volume:.3g} Å^3: give the lattice, "
            "or pbc='F F F' for a molecule."
        )
    search = NeighborList(cutoff=MIN_DISTANCE, full_list=False)
    i, j, distance = search.compute(points=frame.positions, box=frame.cell, periodic=frame.pbc, quantities="ijd")
    if len(distance):
        worst = int(np.argmin(distance))
        raise SoftfixError(
            f"{frame.source}: atoms {i[worst]} and {j[worst]} are {distance[worst]:.3f} Å apart "
            f"(less than {MIN_DISTANCE} Å): take the frame out or mend its positions."
        )


def check_labels(frame: Frame, max_force: float) -> None:
    """Finite labels, forces below the limit."""
    for name, label in (("energy", frame.energy), ("force", frame.forces), ("stress", frame.stress)):
        if label is not None:
            _check_finite(frame, name, np.asarray(label))
    if frame.forces is not None:
        size = np.linalg.norm(frame.forces, axis=1)
        worst = int(np.argmax(size))
        if size[worst] > max_force:
            raise SoftfixError(
                f"{frame.source}: atom {worst} feels {size[worst]:.1f} eV/Å, above the limit of {max_force:g}: "
                "check the units, take the frame out, or raise the limit with --max-force."
            )


def check_copies(frames: Sequence[Frame]) -> None:
    """Refuse a set of one structure many times; warn of copies among others."""
    if len(frames) < 2:
        return
    different = len({frame.content_hash for frame in frames})
    if different == 1:
        raise SoftfixError(
            f"All {len(frames)} frames, from {frames[0].source} on, are the same structure: "
            "they teach no more than one; give different structures, or one frame."
        )
    if different < len(frames):
        warnings.warn(f"{len(frames) - different} of {len(frames)} frames are copies of others.", SoftfixWarning, 2)


def _check_finite(frame: Frame, name: str, values: np.ndarray) -> None:
    if np.isfinite(values).all():
        return
    where = np.argwhere(~np.isfinite(np.atleast_1d(values)))[0]
    value = np.atleast_1d(values)[tuple(where)]
    place = f" of atom {where[0]}" if name in ("position", "force") else ""
    raise SoftfixError(f"{frame.source}: the {name}{place} is {value}, not a number: take the frame out or mend it.")
