"""Labels by any ASE calculator that a function gives."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from softfix.errors import SoftfixError
from softfix.label.protocol import LabelProtocol

if TYPE_CHECKING:
    from softfix.bases.protocol import Identity
    from softfix.data.frames import Frame
    from softfix.evaluations import Evaluation


class FactoryProtocol(LabelProtocol):
    """`package.module:factory`, called anew for every frame, so that no label depends on those before it."""

    name = "package.module:factory"

    spec: str = Field(
        "", description="package.module:factory (as on the command line), where factory() gives an ASE calculator."
    )
    arguments: dict[str, Any] = Field(default_factory=dict, description="Keywords of the factory.")
    theory: str | None = Field(None, description="Level of theory in words; without it, the calculator's class.")
    energy_is_free: bool = Field(
        False, description="Take the energy of a calculator that gives no free energy (right without smearing)."
    )

    @property
    def version(self) -> str:
        """Hash of the calculator's class, source, parameters and package."""
        return _identity(self.model_dump_json()).key

    @property
    def level(self) -> str:
        """What the settings state, or class, package and version of the calculator."""
        if self.theory:
            return self.theory
        identity = _identity(self.model_dump_json())
        arguments = f" {json.dumps(self.arguments, sort_keys=True)}" if self.arguments else ""
        return f"{identity.family} ({identity.package} {identity.package_version}){arguments}"

    def check(self, frames: Sequence[Frame]) -> None:
        """Make the calculator once.

        Raises:
            SoftfixError: if the factory is not there or gives no calculator.
        """
        self.make()

    def label(self, frame: Frame, folder: Path) -> Evaluation:
        """Free energy, forces and stress by a fresh calculator."""
        from softfix.data.labels import atoms_of
        from softfix.label.aselabel import label_of

        atoms = atoms_of(frame)
        atoms.calc = self.make()
        return label_of(atoms, self.energy_is_free)

    def make(self) -> Any:
        """A new ASE calculator."""
        module, _, name = self.spec.partition(":")
        try:
            factory = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            raise SoftfixError(
                f"Calculator '{self.spec}' needs the module {error.name}, which is not installed: "
                f"pip install {str(error.name).partition('.')[0]}, or put its folder on PYTHONPATH."
            ) from error
        except (ImportError, AttributeError) as error:
            raise SoftfixError(f"Calculator '{self.spec}': {error}; name a module and a function in it.") from error
        try:
            calculator = factory(**self.arguments)
        except TypeError as error:
            raise SoftfixError(f"Calculator '{self.spec}' cannot be made with these arguments: {error}.") from error
        if not hasattr(calculator, "get_property"):
            kind = type(calculator).__name__
            raise SoftfixError(f"Calculator '{self.spec}': calling it gives a {kind}, not an ASE calculator.")
        return calculator


@lru_cache(maxsize=8)
def _identity(settings: str) -> Identity:
    """Identity of the calculator, made once per process for it."""
    from softfix.bases.factory import CalculatorBase

    protocol = FactoryProtocol.model_validate_json(settings)
    return CalculatorBase(protocol.make(), protocol.spec).identity
