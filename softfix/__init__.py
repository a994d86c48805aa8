"""Correct the systematic softening of universal interatomic potentials from a few DFT frames.

>>> import softfix
>>> calculator = softfix.load("hfo2.softfix")  # doctest: +SKIP
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "CorrectedCalculator": "softfix.calculator",
    "Correction": "softfix.correction",
    "FitSettings": "softfix.settings",
    "Frame": "softfix.data",
    "LabelKeys": "softfix.data",
    "SoftfixError": "softfix.errors",
    "check_base": "softfix.bases.check",
    "fit": "softfix.fitting",
    "load": "softfix.calculator",
    "load_base": "softfix.bases",
    "load_correction": "softfix.correction",
    "read_frames": "softfix.data",
    "write_frames": "softfix.data.write",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first asked for: `import softfix` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'softfix' has no attribute '{name}'")
    globals()[name] = getattr(import_module(_HOMES[name]), name)
    return globals()[name]
