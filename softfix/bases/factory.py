"""Any other ASE calculator: by `package.module:factory`, or as an object."""

from __future__ import annotations

import copy
import hashlib
import importlib
import inspect
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from softfix.bases.package import installed_version
from softfix.bases.protocol import Identity
from softfix.errors import SoftfixError

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator


class CalculatorBase:
    """An ASE calculator as a base; its identity is its class, that class's source and its parameters."""

    elements: frozenset[int] | None = None

    def __init__(self, calculator: Calculator, spec: str | None = None):
        """Wrap a calculator; without a spec only Python can rebuild it."""
        kind = type(calculator)
        package = kind.__module__.split(".")[0]
        self._calculator = calculator
        self.identity = Identity(
            spec=spec or f"object:{kind.__module__}.{kind.__qualname__}",
            family=f"{kind.__module__}.{kind.__qualname__}",
            version="",
            package=package,
            package_version=installed_version(package) or "",
            weights_sha256=hashlib.sha256(_describe(calculator).encode()).hexdigest(),
        )

    def calculator(self):
        """A copy of the calculator in softfix's dialect."""
        from softfix.bases.dialect import Normalised

        return Normalised(copy.deepcopy(self._calculator))


def from_factory(spec: str) -> CalculatorBase:
    """Base from `package.module:factory`, where factory() gives an ASE calculator."""
    module_name, _, name = spec.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise SoftfixError(f"Base '{spec}': {error}; it must name a module and a function in it.") from error
    if not callable(factory):
        raise SoftfixError(f"Base '{spec}': {name} is not callable; name a function or class that gives a calculator.")
    calculator = factory()
    if not hasattr(calculator, "get_property"):
        raise SoftfixError(f"Base '{spec}': calling it gives a {type(calculator).__name__}, not an ASE calculator.")
    return CalculatorBase(calculator, spec)


def _describe(calculator: Any) -> str:
    """Everything that decides the numbers of a calculator, as text that is the same in every process."""
    try:
        source = inspect.getsource(inspect.getmodule(type(calculator)))  # type: ignore[arg-type]
    except (OSError, TypeError):
        source = type(calculator).__qualname__  # built in C, or typed at a prompt
    parameters = {**_parameters(calculator), **_state(calculator)}
    return source + json.dumps(parameters, sort_keys=True, default=_plain)


def _parameters(calculator: Any) -> dict:
    return {str(k): v for k, v in dict(getattr(calculator, "parameters", None) or {}).items()}


def _state(calculator: Any) -> dict:
    """Plain numbers and texts that the object was given, and not those that using it left on it."""
    transient = {"results", "atoms", "parameters", "implemented_properties", "extra_results"}
    plain = (bool, int, float, str, tuple, list, np.ndarray)
    given = _given(type(calculator)) or set(vars(calculator))
    own = {k: v for k, v in vars(calculator).items() if k in given or hasattr(type(calculator), k)}
    return {k: v for k, v in own.items() if k not in transient and isinstance(v, plain)}


def _given(kind: type) -> set[str]:
    """Attributes of a freshly made object of a class; empty where it cannot be made without arguments."""
    try:
        return set(vars(kind()))
    except TypeError:
        return set()


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {str(k): v for k, v in value.items()}
    return f"{type(value).__module__}.{type(value).__qualname__}"
