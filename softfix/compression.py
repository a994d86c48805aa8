"""Frames expanded and compressed, by which the base's bulk modulus is trusted.

Forces say next to nothing of how the energy changes with the volume, and bases have that right where they are too soft
against all else: bulk moduli of CHGNet and M3GNet are 8 % too small in the median, shear moduli less than half of
DFT's (calibration/properties).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from softfix.data.frames import Frame
from softfix.evaluations import Evaluation

VOLUME = 0.03  # relative change of the volume, upwards and downwards in turn
STIFF = 0.03  # eV/Å^3; what is softer is mostly vacuum, whose volume tells nothing


class Compression(NamedTuple):
    """A frame before and after a change of its volume, with the base's evaluations."""

    before: tuple[Frame, Evaluation]
    after: tuple[Frame, Evaluation]

    @property
    def stiffness(self) -> float:
        """The base's bulk modulus in eV/Å^3, at fixed fractional positions; 0 without stresses."""
        if self.before[1].stress is None or self.after[1].stress is None:
            return 0.0
        return abs(float(np.mean(self.after[1].stress[:3] - self.before[1].stress[:3]))) / VOLUME


def compressible(frames: Sequence[Frame], count: int) -> list[int]:
    """Which frames to change the volume of: up to `count` periodic ones, those with the least forces first."""
    periodic = [i for i, frame in enumerate(frames) if frame.pbc.all() and frame.volume > 0.0]
    return sorted(periodic, key=lambda i: frames[i].agitation)[:count]


def changed(frame: Frame, place: int) -> Frame:
    """The frame without its labels, expanded where `place` is even, else compressed, with the same fractions."""
    return frame.unlabelled(f"{frame.source}, volume changed").scaled(1.0 + (-1) ** place * VOLUME)


def stiff(compressions: Sequence[Compression]) -> list[Compression]:
    """Those whose bulk modulus is one of a solid."""
    return [each for each in compressions if each.stiffness > STIFF]


def bulk_modulus(compressions: Sequence[Compression]) -> float:
    """Median of the base's bulk moduli in eV/Å^3; inf where none is known."""
    return float(np.median([each.stiffness for each in compressions])) if compressions else np.inf
