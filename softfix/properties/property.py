"""The one form that every property has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ase import Atoms
from pydantic import BaseModel

from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.properties.findings import Findings, Value
from softfix.properties.potential import Potential


@dataclass(frozen=True, eq=False)
class Problem:
    """What is asked: structures, the reference if there is one, settings."""

    structures: Sequence[Frame]  # at least one; labels are kept, for properties whose reference they are
    reference: Path | None
    settings: Any

    @property
    def atoms(self) -> Atoms:
        """The first structure."""
        return atoms_of(self.structures[0])


def no_comparison(own: Findings, reference: Findings) -> list[Value]:
    """Nothing beyond the values side by side."""
    return []


@dataclass(frozen=True)
class Property:
    """A property by name: what measures it, and what reads its reference.

    `measure` takes a problem and a potential; `reference` takes a problem with a reference; `compare` takes the
    findings of a potential and those of the reference, and gives further rows.
    """

    name: str
    title: str
    settings: type[BaseModel]
    measure: Callable[[Problem, Potential], Findings]
    reference: Callable[[Problem], Findings | None]
    compare: Callable[[Findings, Findings], list[Value]] = no_comparison
    structures: Literal["one", "several"] = "one"
    quick: dict[str, Any] = field(default_factory=dict)  # settings of --quick
