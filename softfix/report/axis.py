"""From numbers to places on paper, and the marks along an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """One direction of a figure: limits in data, limits in drawing units, and what it says."""

    low: float
    high: float
    start: float  # drawing units of `low`
    end: float
    label: str = ""
    log: bool = False
    ticked: bool = True

    def __call__(self, value: float) -> float:
        """Place of a value in drawing units.

        >>> Axis(0.0, 10.0, 0.0, 100.0)(2.5)
        25.0
        """
        low, high = (math.log10(self.low), math.log10(self.high)) if self.log else (self.low, self.high)
        at = math.log10(value) if self.log else value
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Round numbers inside the limits, at most about `most`.

        >>> Axis(0.0, 1.0, 0, 1).ticks(), Axis(0.02, 30.0, 0, 1, log=True).ticks()
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.1, 1.0, 10.0])
        """
        if not self.ticked:
            return []
        if self.log:
            return self._decades(most)
        step = _step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [float(f"{k * step:.10g}") for k in range(first, last + 1)]

    def _decades(self, most: int) -> list[float]:
        """Powers of ten, with their two- and fivefold where there are few."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for factors in ((1, 2, 5), (1, 3), (1,)):
            ticks = [float(f"{factor}e{k}") for k in range(first, last + 1) for factor in factors]
            inside = [tick for tick in ticks if self.low <= tick * (1 + 1e-9) and tick <= self.high * (1 + 1e-9)]
            if len(inside) <= most:
                return inside
        return inside[:: -(-len(inside) // most)]


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in STEPS if factor * power >= least * (1 - 1e-9))


def spanning(
    values: Iterable[float], start: float, end: float, label: str = "", log: bool = False, room: float = 0.05
) -> Axis:
    """Axis that holds all values, with some room at both ends."""
    known = np.array([value for value in values if math.isfinite(value) and not (log and value <= 0.0)])
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.1 if log else 0.0, 1.0)
    if log:
        low, high = (low / 2, high * 2) if low == high else (low, high)
        grow = (high / low) ** room
        return Axis(low / grow, high * grow, start, end, label, True)
    if low == high:
        low, high = low - max(abs(low), 1.0) * 0.5, high + max(abs(high), 1.0) * 0.5
    grow = room * (high - low)
    return Axis(low - grow, high + grow, start, end, label)


def written(tick: float) -> str:
    """A tick as text.

    >>> written(0.2), written(1e-4), written(-5.0)
    ('0.2', '1e−4', '−5')
    """
    text = f"{tick:g}" if tick == 0.0 or 1e-3 <= abs(tick) < 1e5 else f"{tick:.0e}".replace("e-0", "e-")
    return text.replace("e+0", "e").replace("-", "−")
