"""What softfix asks of a base potential: who it is, and an ASE calculator that speaks one dialect."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator


class Identity(BaseModel):
    """Who a base is, so that a correction is never applied to another potential than the one it was fitted to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: str  # what load_base was given, e.g. "chgnet:0.3.0"; rebuilds the base where it can
    family: str  # "chgnet", "matgl", "mace", or the calculator's class for any other
    version: str  # of the model, "" where there is none
    package: str  # distribution that evaluates it
    package_version: str
    weights_sha256: str  # "" where there are no weights to hash
    level_of_theory: str | None = None  # e.g. "PBE/PBE+U (Materials Project)"

    @property
    def key(self) -> str:
        """Hash over what decides the numbers (not over the spec, which may be an alias or a path)."""
        decisive = (self.family, self.version, self.package, self.package_version, self.weights_sha256)
        return hashlib.sha256("\0".join(decisive).encode()).hexdigest()


@runtime_checkable
class Base(Protocol):
    """A frozen potential; `identity` and `elements` are cheap (no torch), `calculator` builds the model."""

    @property
    def identity(self) -> Identity:
        """Who this base is."""
        ...

    @property
    def elements(self) -> frozenset[int] | None:
        """Atomic numbers that it knows; None where it cannot tell."""
        ...

    def calculator(self) -> Calculator:
        """Give an ASE calculator in softfix's dialect (`softfix.bases.dialect`)."""
        ...
