"""Properties of a material by base, corrected potential and reference, side by side.

One file per property; each is imported when it is asked for.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TYPE_CHECKING

from softfix.errors import SoftfixError

if TYPE_CHECKING:
    from softfix.properties.property import Property

NAMES = {
    "phonons": "frequencies, force constants, thermal properties (phonopy)",
    "eos": "energy against volume, bulk modulus",
    "elasticity": "elastic tensor and its averages",
    "surfaces": "surface energies of slabs",
    "defects": "vacancies, interstitials, antisites",
    "solid-solution": "formation energies of orderings",
    "barrier": "static and relaxed migration barriers",
    "polymorphs": "energies of competing phases",
    "polarisation": "cell shape and polarisation of polar phases, from Born charges",
    "soft-modes": "zone-centre modes of a parent phase and their charges",
    "order-parameter": "polarisation against temperature, by molecular dynamics",
    "domain-wall": "energy and profile of 180-degree walls",
    "softening": "distribution of slopes over many materials",
}


def find_property(name: str) -> Property:
    """The property of a name.

    Raises:
        SoftfixError: if there is none, naming the nearest.
    """
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise SoftfixError(f"There is no property '{name}': {hint}give one of {', '.join(NAMES)}.")
    return import_module(f"softfix.properties.{name.replace('-', '_')}").PROPERTY
