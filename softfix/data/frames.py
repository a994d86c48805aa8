"""A DFT frame: atoms, and what a DFT code said about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Frame:
    """One labelled structure; a label that the source lacks is None and is simply not fitted.

    If `reference` is given (phonopy's perfect supercell), the forces are differences against that structure,
    and models are compared with their own difference, which removes residual forces.
    """

    numbers: np.ndarray  # (atoms,) atomic numbers
    positions: np.ndarray  # (atoms, 3) Å
    cell: np.ndarray  # (3, 3) Å, rows are the lattice vectors
    pbc: np.ndarray  # (3,) bool
    energy: float | None = None  # eV, the one that the forces are the derivative of
    forces: np.ndarray | None = None  # (atoms, 3) eV/Å
    stress: np.ndarray | None = None  # (6,) eV/Å^3, Voigt xx yy zz yz xz xy, tension positive
    config_type: str = "default"
    level: str | None = None  # level of theory, as the source states it
    source: str = "<memory>"  # "file.extxyz, frame 3" (counted from 1), for messages
    labels_from: str = "none"  # which keys the labels were read from, for messages and reports
    reference: Frame | None = None  # unlabelled perfect structure that the forces are differences against
    provenance: dict[str, str] = field(default_factory=dict)  # recipe, seed and parent of a sampled structure
    energies: dict[str, float] = field(default_factory=dict)  # eV, every energy the source holds, for the doctor

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def volume(self) -> float:
        """Cell volume in Å^3."""
        return float(abs(np.linalg.det(self.cell)))

    @property
    def agitation(self) -> float:
        """Mean squared force component in (eV/Å)^2: how far from rest; inf where the forces are not known."""
        return np.inf if self.forces is None else float(np.mean(self.forces**2))

    def unlabelled(self, source: str) -> Frame:
        """The same structure without its labels, for one to be made of it."""
        return replace(
            self, energy=None, forces=None, stress=None, reference=None, energies={}, labels_from="none", source=source
        )

    def scaled(self, volume: float) -> Frame:
        """A structure of so many times the volume, with the same fractional positions; labels are left as they are."""
        factor = volume ** (1 / 3)
        return replace(self, positions=self.positions * factor, cell=self.cell * factor)

    @property
    def content_hash(self) -> str:
        """sha256 of the geometry (not of the labels): the same atoms give the same base evaluation."""
        digest = hashlib.sha256()
        for array, dtype in (
            (self.numbers, "<i8"),
            (self.positions, "<f8"),
            (self.cell, "<f8"),
            (self.pbc, "|b1"),
        ):
            digest.update(np.ascontiguousarray(array, dtype=dtype).tobytes())
        return digest.hexdigest()


def data_digest(frames: Iterable[Frame]) -> str:
    """sha256 of geometries and labels, in the order given."""
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(frame.content_hash.encode())
        for label in (frame.energy, frame.forces, frame.stress):
            digest.update(b"-" if label is None else np.ascontiguousarray(label, dtype="<f8").tobytes())
    return digest.hexdigest()
