"""What a property run leaves: numbers and curves of base, corrected potential and reference, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from softfix.errors import SoftfixError, first_fault

Role = Literal["base", "corrected", "reference"]
FILE = "result.json"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Row(_Record):
    """One quantity; None where a potential, or the reference, does not give it."""

    quantity: str
    unit: str
    base: float | None = None
    corrected: float | None = None
    reference: float | None = None


class Curve(_Record):
    """A line or a cloud of points of one potential."""

    of: Role
    x: list[float]
    y: list[float]


class Panel(_Record):
    """One figure: axes, and the curves of every potential in them."""

    name: str  # of the file, without its ending
    x_label: str
    y_label: str
    style: Literal["line", "points", "points and line"] = "line"
    ticks: list[tuple[float, str]] = []  # of the x axis, where they have names
    from_zero: bool = False  # whether the y axis begins at 0
    curves: list[Curve]


class Provenance(_Record):
    """Where the numbers come from."""

    softfix_version: str
    created: str
    structure: str
    structure_sha256: list[str]  # of the geometry of each structure
    base: str  # spec
    base_key: str
    correction: str | None
    correction_sha256: str | None  # of the file
    reference: str | None
    settings: dict[str, Any]


class Result(_Record):
    """A property, measured."""

    name: str
    title: str
    rows: list[Row]
    panels: list[Panel]
    notes: list[str]
    provenance: Provenance

    def row(self, quantity: str) -> Row:
        """The row of a quantity; KeyError where there is none."""
        found = {row.quantity: row for row in self.rows}
        return found[quantity]


def read_result(folder: str | Path) -> Result:
    """Result of a folder that `softfix properties` wrote.

    Raises:
        SoftfixError: if it is missing or damaged.
    """
    path = Path(folder) / FILE
    try:
        return Result.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise SoftfixError(f"{path} does not exist: run softfix properties first.") from error
    except ValidationError as error:
        raise SoftfixError(f"{path} is not a result of softfix properties ({first_fault(error)}).") from error
