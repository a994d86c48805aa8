"""A label out of an ASE calculator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from softfix.evaluations import Evaluation
from softfix.label.protocol import Unusable

if TYPE_CHECKING:
    from ase import Atoms


def label_of(atoms: Atoms, energy_is_free: bool = False) -> Evaluation:
    """Free energy (eV), forces (eV/Å) and, of crystals periodic in three directions, stress (eV/Å^3) of atoms.

    Args:
        atoms: with a calculator.
        energy_is_free: take the energy of a calculator that gives no free energy.

    Raises:
        Unusable: if the calculator says that it did not converge, or gives no free energy.
    """
    energy = _free_energy(atoms, energy_is_free)
    forces = np.array(atoms.get_forces(), dtype=np.float64)
    stress = _stress(atoms) if atoms.pbc.all() else None
    if not converged(atoms.calc):
        raise Unusable("SCF not converged, as the calculator says")
    return Evaluation(energy, forces, stress)


def converged(calculator: Any) -> bool:
    """What a calculator says of its self-consistency; True where it says nothing (then it raises, if anything)."""
    said = getattr(calculator, "results", {}).get("converged")
    if said is None:
        said = getattr(calculator, "converged", None)
    if callable(said):
        said = said()
    return said is None or bool(np.all(said))


def _free_energy(atoms: Atoms, energy_is_free: bool) -> float:
    from ase.calculators.calculator import PropertyNotImplementedError

    energy = atoms.get_potential_energy()
    try:
        return float(atoms.get_potential_energy(force_consistent=True))
    except (PropertyNotImplementedError, NotImplementedError):
        if energy_is_free:
            return float(energy)
        raise Unusable(
            "the calculator gives no free energy, which forces are the derivative of (setting energy_is_free "
            "takes its energy instead: right without smearing)"
        ) from None


def _stress(atoms: Atoms) -> np.ndarray | None:
    from ase.calculators.calculator import PropertyNotImplementedError

    try:
        return np.array(atoms.get_stress(), dtype=np.float64)
    except (PropertyNotImplementedError, NotImplementedError):
        return None  # a frame without a stress label is fitted in energy and forces alone
