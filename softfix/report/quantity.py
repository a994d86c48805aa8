"""Numbers with their units, and how a reader sees them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from pydantic import BaseModel, ConfigDict

COUNTS = {"frames", "atoms", "components", "weights", "points", "potentials", "checks", "materials", "fs steps"}
DIGITS = 3  # significant, of what has a unit; decimals of what has none
KEPT = 6  # significant digits of the points of figures


class Quantity(BaseModel):
    """One number with its unit and, where it is known, its 95 % interval; None where it cannot be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    unit: str = ""
    low: float | None = None
    high: float | None = None


class Series(BaseModel):
    """Numbers of one unit, as a figure draws them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    unit: str
    values: list[float]


def quantity(value: float | None, unit: str = "", interval: tuple[float, float] | None = None) -> Quantity:
    """A quantity; numbers that are not finite become None.

    >>> quantity(0.25, "eV/Å").value
    0.25
    """
    low, high = interval or (None, None)
    return Quantity(value=_finite(value), unit=unit, low=_finite(low), high=_finite(high))


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def series(name: str, unit: str, values: Iterable[float]) -> Series:
    """Numbers rounded to what a figure can show.

    >>> series("force", "eV/Å", [1 / 3]).values
    [0.333333]
    """
    return Series(name=name, unit=unit, values=[float(f"{value:.{KEPT}g}") for value in np.asarray(values).tolist()])


def shown(value: float | None, unit: str = "") -> str:
    """A number as it is printed: whole counts, percent, three decimals of a pure number, else three digits.

    >>> shown(0.09704, "eV/Å"), shown(11.0, "frames"), shown(0.9033), shown(1234.5, "GPa"), shown(0.5, "share")
    ('0.0970', '11', '0.903', '1234', '50.0 %')
    """
    if value is None:
        return "–"
    if unit in COUNTS:
        return f"{value:.0f}"
    if unit == "share":
        return f"{100 * value:.1f} %"
    if not unit:
        return _minus(f"{value:.{DIGITS}f}")
    return _minus(_significant(value))


def unit_of(unit: str) -> str:
    """A unit as it is printed behind a number.

    >>> unit_of("eV/Å^3"), unit_of("share")
    ('eV/Å³', '')
    """
    return "" if unit == "share" else unit.replace("^3", "³")


def _significant(value: float) -> str:
    if value == 0.0:
        return "0"
    power = math.floor(math.log10(abs(value)) + 1e-12)
    if not -4 <= power <= 5:
        return f"{value:.{DIGITS - 1}e}"
    return f"{value:.{max(DIGITS - 1 - power, 0)}f}"


def _minus(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text
