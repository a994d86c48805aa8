"""What several properties refuse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from softfix.errors import SoftfixError

if TYPE_CHECKING:
    from softfix.data.frames import Frame


def formula(frame: Frame) -> str:
    """Reduced formula, elements in alphabetical order.

    >>> import numpy as np
    >>> from softfix.data.frames import Frame
    >>> formula(Frame(np.array([8, 12, 8, 12]), np.zeros((4, 3)), np.eye(3), np.ones(3, bool)))
    'MgO'
    """
    from ase.formula import Formula

    return Formula.from_list([_symbol(z) for z in frame.numbers]).reduce()[0].format("metal")


def _symbol(z: int) -> str:
    from ase.data import chemical_symbols

    return chemical_symbols[int(z)]


def require_composition(structure: Frame, reference: Frame, path: Path | None) -> None:
    """Refuse a reference of another compound."""
    mine, other = formula(structure), formula(reference)
    if mine != other:
        raise SoftfixError(
            f"{path} is {other}, but the structure {structure.source} is {mine}: give the reference of "
            "the same compound."
        )


def require_same_atoms(frames: Sequence[Frame]) -> None:
    """Refuse structures whose atoms are not those of the first one, in its order."""
    first = frames[0]
    for frame in frames[1:]:
        if frame.numbers.tolist() != first.numbers.tolist():
            raise SoftfixError(
                f"{frame.source} ({formula(frame)}) should hold the atoms of {first.source} ({formula(first)}) in the "
                "same order: sort the atoms of both alike."
            )


def read_values(path: Path, known: dict[str, str]) -> dict[str, float]:
    """Reference numbers from a JSON file {quantity: value}.

    Args:
        path: the file.
        known: unit of every quantity that the property has.

    Raises:
        SoftfixError: naming a quantity that is not known, or a value that is no number.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SoftfixError(f"{path} does not exist: give the file of reference values.") from error
    except (OSError, ValueError) as error:
        raise SoftfixError(f"{path} is not a JSON file of reference values ({error}).") from error
    units = ", ".join(f"'{name}' ({unit})" if unit else f"'{name}'" for name, unit in known.items())
    if not isinstance(content, dict) or not content:
        raise SoftfixError(f"{path} should hold an object of quantities and numbers; there are {units}.")
    for name, value in content.items():
        if name not in known:
            raise SoftfixError(f"{path}: '{name}' is not a quantity of this property; there are {units}.")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SoftfixError(f"{path}: '{name}' should be a number but reads {value!r}.")
    return {name: float(value) for name, value in content.items()}
