"""Frames to extended XYZ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ase.io import write

from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.files import atomic_path


def write_frames(path: str | Path, frames: Sequence[Frame]) -> None:
    """Write frames with REF_* labels (eV, eV/Å, eV/Å^3 Voigt), atomically; a name ending in .gz is compressed."""
    images = []
    for frame in frames:
        atoms = atoms_of(frame)
        atoms.info["config_type"] = frame.config_type
        if frame.level is not None:
            atoms.info["level"] = frame.level
        if frame.energy is not None:
            atoms.info["REF_energy"] = frame.energy
        if frame.stress is not None:
            atoms.info["REF_stress"] = frame.stress
        if frame.forces is not None:
            atoms.arrays["REF_forces"] = frame.forces
        images.append(atoms)
    with atomic_path(path) as temporary:
        write(temporary, images, format="extxyz")
