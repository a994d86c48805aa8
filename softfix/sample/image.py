"""A structure that a recipe made, and what it makes it of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms

from softfix.errors import SoftfixError
from softfix.sample.settings import SampleSettings


@dataclass(frozen=True, eq=False)
class Parent:
    """A structure that was given, in a cell of the size that is wanted."""

    name: str
    atoms: Atoms


@dataclass(frozen=True, eq=False)
class Image:
    """One candidate."""

    atoms: Atoms
    config_type: str  # key:value;... of what was done
    parent: str
    parent_volume: float  # Å^3


@dataclass(frozen=True, eq=False)
class Supply:
    """What every recipe works with."""

    parents: list[Parent]
    wanted: int  # candidates, all parents together
    seed: int
    settings: SampleSettings
    calculator: Callable[[], Any] | None  # gives an ASE calculator; None without a potential
    notes: list[str] = field(default_factory=list)  # of what went otherwise than asked, in sentences

    def rng(self, *what: int) -> np.random.Generator:
        """Random numbers of one part of the work: the same for one seed, whatever else is done."""
        return np.random.default_rng([self.seed, *what])

    def potential(self, recipe: str) -> Any:
        """The potential as a calculator.

        Raises:
            SoftfixError: if none was given.
        """
        if self.calculator is None:
            raise SoftfixError(f"The recipe {recipe} needs a potential: give --base SPEC or --correction FILE.")
        return self.calculator()

    def share(self, part: float = 1.0) -> int:
        """Candidates per parent of a part of the recipe; one at least."""
        return max(1, round(part * self.wanted / len(self.parents)))


def image(parent: Parent, atoms: Atoms, **what: object) -> Image:
    """Candidate of a parent; `what` becomes its config_type."""
    kind = ";".join(f"{key}:{value:g}" if isinstance(value, float) else f"{key}:{value}" for key, value in what.items())
    return Image(atoms, kind, parent.name, parent.atoms.cell.volume)
