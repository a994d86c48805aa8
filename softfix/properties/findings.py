"""What one potential, or the reference, says about a property: values, curves and arrays to compare."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np


class Value(NamedTuple):
    """A number with its name and unit."""

    quantity: str
    unit: str
    value: float


@dataclass(frozen=True)
class Drawing:
    """Axes of a figure and what one potential draws in them; drawings of the same name share their axes."""

    name: str
    x_label: str
    y_label: str
    lines: list[tuple[np.ndarray, np.ndarray]]
    style: Literal["line", "points", "points and line"] = "line"
    ticks: list[tuple[float, str]] = field(default_factory=list)
    from_zero: bool = False  # whether the y axis begins at 0


@dataclass(frozen=True, eq=False)
class Findings:
    """All that is known of one potential."""

    values: list[Value]
    drawings: list[Drawing] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)  # for comparison with the reference
