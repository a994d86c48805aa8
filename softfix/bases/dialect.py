"""The one place where the dialects of foreign calculators are brought to softfix's conventions."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes, all_properties
from ase.stress import full_3x3_to_voigt_6_stress

OWN = ("energy", "free_energy", "forces", "stress")


class Normalised(Calculator):
    """An ASE calculator whose results have one form, whatever the inner one says.

    energy and free_energy: float, eV (free_energy falls back to energy). forces: (atoms, 3) float64, eV/Å.
    stress: (6,) float64, eV/Å^3, Voigt xx yy zz yz xz xy, tension positive, from (6,) or 3x3.
    ASE's other properties are passed on as they are; foreign ones stand in `extra_results`.
    """

    def __init__(self, inner: Calculator, stress_unit: float = 1.0):
        """Wrap `inner`; `stress_unit` is the unit of its stress in eV/Å^3."""
        super().__init__()
        self.inner = inner
        self.stress_unit = stress_unit
        self.implemented_properties = sorted({*inner.implemented_properties, "free_energy"} & set(all_properties))
        self.extra_results: dict[str, Any] = {}

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Ask the inner calculator for everything that it gives at once with energy and forces."""
        super().calculate(atoms, properties, system_changes)
        wanted = {"energy", "forces", *properties} - {"free_energy"}
        if atoms.cell.rank == 3 and "stress" in self.implemented_properties:
            wanted.add("stress")
        for name in sorted(wanted):
            self.inner.get_property(name, self.atoms)
        raw = dict(self.inner.results)
        self.results = {k: v for k, v in raw.items() if k in all_properties and k not in OWN and v is not None}
        self.extra_results = {k: v for k, v in raw.items() if k not in all_properties}
        self.results["energy"] = _number(raw["energy"])
        free = raw.get("free_energy")
        self.results["free_energy"] = self.results["energy"] if free is None else _number(free)
        self.results["forces"] = np.array(raw["forces"], dtype=np.float64)
        if raw.get("stress") is not None:
            self.results["stress"] = _voigt(np.array(raw["stress"], dtype=np.float64)) * self.stress_unit


def _number(value: Any) -> float:
    """One float out of a Python, NumPy or torch number, or an array that holds one."""
    return float(np.asarray(value, dtype=np.float64).reshape(()))


def _voigt(stress: np.ndarray) -> np.ndarray:
    if stress.size == 6:
        return stress.reshape(6)
    if stress.size == 9:
        return full_3x3_to_voigt_6_stress(stress.reshape(3, 3))
    raise PropertyNotImplementedError(f"the base gives a stress of shape {stress.shape}, not (6,) or (3, 3)")
