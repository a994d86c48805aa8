"""What is examined: frames, what a base says about them, and the frames held out for testing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from softfix.data.frames import Frame
from softfix.doctor.pairs import Pairs, near_pairs
from softfix.evaluations import Evaluation
from softfix.rows import counts_of


@dataclass(frozen=True, eq=False)
class Subject:
    """Frames with, if there is a base, its evaluations in the same order; labels in eV, eV/Å, eV/Å^3."""

    frames: Sequence[Frame]
    base: Sequence[Evaluation] | None = None
    test: Sequence[Frame] = ()

    @cached_property
    def pairs(self) -> Pairs:
        """Pairs of near frames, found once for all checks."""
        return near_pairs(self.frames)

    def forces(self) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Index, forces and base forces (atoms, 3) of the frames that have both, in eV/Å."""
        base = self.base or ()
        return [
            (i, frame.forces, its.forces)
            for i, (frame, its) in enumerate(zip(self.frames, base, strict=False))
            if frame.forces is not None
        ]

    def energies(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Index (n,), counts (n, elements), energies and base energies (n,) in eV, of the frames that have both."""
        base = self.base or ()
        known = [
            (i, frame, its)
            for i, (frame, its) in enumerate(zip(self.frames, base, strict=False))
            if frame.energy is not None and frame.reference is None
        ]
        elements = tuple(sorted({int(z) for _, frame, _ in known for z in frame.numbers}))
        counts = np.array([counts_of(frame.numbers, elements) for _, frame, _ in known]).reshape(
            len(known), len(elements)
        )
        return (
            np.array([i for i, _, _ in known], dtype=int),
            counts,
            np.array([frame.energy for _, frame, _ in known], dtype=float),
            np.array([its.energy for _, _, its in known], dtype=float),
        )

    def stresses(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Index (n,), stresses and base stresses (n, 6) in eV/Å^3, of the frames that have both."""
        base = self.base or ()
        known = [
            (i, frame.stress, its.stress)
            for i, (frame, its) in enumerate(zip(self.frames, base, strict=False))
            if frame.stress is not None and its.stress is not None and frame.volume > 0.0
        ]
        index = np.array([i for i, _, _ in known], dtype=int)
        label = np.array([one for _, one, _ in known], dtype=float).reshape(-1, 6)
        return index, label, np.array([one for _, _, one in known], dtype=float).reshape(-1, 6)

    def named(self, indices) -> list[Frame]:
        """The frames of these indices."""
        return [self.frames[int(i)] for i in indices]
