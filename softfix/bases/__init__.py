"""Bases: frozen potentials behind one small Protocol; each in a file of its own, imported on demand."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from softfix.bases.package import installed_version
from softfix.bases.protocol import Base, Identity
from softfix.errors import SoftfixError

__all__ = ["Base", "Family", "Identity", "families", "load_base"]


@dataclass(frozen=True)
class Family:
    """One row of the table of bases."""

    name: str
    module: str
    factory: str
    distribution: str
    example: str
    weights: str  # where they come from
    theory: str

    @property
    def installed(self) -> str | None:
        """Version of the package, None where it is missing."""
        return installed_version(self.distribution)


families = {
    family.name: family
    for family in (
        Family("chgnet", "softfix.bases.chgnet", "CHGNetBase", "chgnet", "chgnet:0.3.0", "in the package", "PBE/PBE+U"),
        Family("matgl", "softfix.bases.matgl", "MatglBase", "matgl", "matgl:M3GNet-MP-2021.2.8-PES",
               "a folder, or downloaded by name", "of the weights"),
        Family("mace", "softfix.bases.mace", "MACEBase", "mace-torch", "mace:medium",
               "a file, or downloaded by alias", "PBE/PBE+U for MACE-MP"),
    )
}  # fmt: skip


def load_base(spec: Any) -> Base:
    """Give the base that a spec names, without loading its model yet.

    Args:
        spec: `chgnet`, `chgnet:0.2.0`, `matgl:<name or folder>`, `mace:<alias, file or folder>`,
            `package.module:factory`, an ASE calculator, or a base.

    Raises:
        SoftfixError: if the spec names nothing that is known, or its package is missing.

    >>> load_base("ase.calculators.emt:EMT").identity.package
    'ase'
    """
    if not isinstance(spec, str):
        return _from_object(spec)
    name, _, rest = spec.partition(":")
    if name in families:
        family = families[name]
        return getattr(import_module(family.module), family.factory)(rest)
    if name == "object":
        raise SoftfixError(f"Base '{spec}' was an object in Python: pass that calculator instead of its name.")
    if rest and all(part.isidentifier() for part in name.split(".")):
        from softfix.bases.factory import from_factory

        return from_factory(spec)
    near = difflib.get_close_matches(name, families, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise SoftfixError(
        f"Base '{spec}' is not known: {hint}give one of {', '.join(families)}, or package.module:factory."
    )


def _from_object(value: Any) -> Base:
    if isinstance(value, Base):
        return value
    if hasattr(value, "get_property") and hasattr(value, "implemented_properties"):
        from softfix.bases.factory import CalculatorBase

        return CalculatorBase(value)
    raise SoftfixError(f"A base is a spec, an ASE calculator or a softfix base, not a {type(value).__name__}.")
