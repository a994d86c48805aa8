"""The table of calculators, and the settings of one from a file."""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path

from softfix.errors import SoftfixError
from softfix.label.protocol import LabelProtocol
from softfix.settings import read_settings

PROTOCOLS = {
    "gpaw": ("softfix.label.gpaw", "GpawProtocol"),
    "espresso": ("softfix.label.espresso", "EspressoProtocol"),
    "vasp": ("softfix.label.vasp", "VaspProtocol"),
}


def load_protocol(calculator: str, config: Path | None = None) -> LabelProtocol:
    """How frames are labelled: the settings of a calculator, its defaults where the file says nothing.

    Args:
        calculator: gpaw, espresso, vasp, or package.module:factory for any ASE calculator.
        config: YAML, TOML or JSON.

    Raises:
        SoftfixError: for an unknown calculator, or naming the setting that is unknown or does not fit.

    >>> load_protocol("gpaw").cutoff
    600.0
    """
    if calculator in PROTOCOLS:
        return _read(protocol_class(calculator), config)
    module, _, function = calculator.partition(":")
    if function and all(part.isidentifier() for part in module.split(".")):
        return _factory(calculator, config)
    near = difflib.get_close_matches(calculator, PROTOCOLS, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise SoftfixError(
        f"Calculator '{calculator}' is not known: {hint}give one of {', '.join(PROTOCOLS)}, or package.module:factory."
    )


def protocol_class(calculator: str) -> type[LabelProtocol]:
    """Settings class of a calculator of the table."""
    module, name = PROTOCOLS[calculator]
    return getattr(import_module(module), name)


def _read(kind: type[LabelProtocol], config: Path | None) -> LabelProtocol:
    return kind() if config is None else read_settings(config, kind)


def _factory(spec: str, config: Path | None) -> LabelProtocol:
    from softfix.label.factory import FactoryProtocol

    return _read(FactoryProtocol, config).model_copy(update={"spec": spec})
