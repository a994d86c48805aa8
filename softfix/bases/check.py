"""The contract of a base, executable: shapes, units, signs, derivatives and invariances on small structures."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from softfix.errors import SoftfixError

STEP = 5e-3  # Å, or of strain: large enough for float32 energies
RELATIVE = 0.03  # error of finite differences, of the largest component
ROUND_OFF = 2e-4  # eV/atom and eV/Å between equivalent structures in float32
PREFERRED = (14, 12, 29, 13, 26)  # elements for the test structures; the first that the base knows


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check."""

    name: str
    passed: bool
    detail: str


def check_base(spec: Any, raise_on_failure: bool = False) -> list[CheckResult]:
    """Check that a potential keeps the contract of a base.

    Args:
        spec: whatever `load_base` takes.
        raise_on_failure: raise on the first failure instead of listing all outcomes.

    Raises:
        SoftfixError: if `raise_on_failure` is set, with the failed check's name and numbers.

    >>> from ase.calculators.emt import EMT
    >>> all(result.passed for result in check_base(EMT()))
    True
    """
    from softfix.bases import load_base

    base = load_base(spec)
    atoms = structure(base.elements)
    calculator = base.calculator()
    checks = (_results_have_their_form, _forces_are_derivatives, _stress_is_a_derivative, _energy_is_invariant,
              _energy_is_extensive, _copies_agree)  # fmt: skip
    results = [_identity_is_stable(spec), *(_run(check, calculator, atoms) for check in checks)]
    if raise_on_failure:
        for result in results:
            if not result.passed:
                raise SoftfixError(f"{base.identity.spec} fails the check '{result.name}': {result.detail}")
    return results


def structure(elements: frozenset[int] | None):
    """Rattled, sheared crystal of one element that the base knows."""
    from ase.build import bulk
    from ase.data import chemical_symbols

    known = [z for z in PREFERRED if z in elements] if elements else [29]
    symbol = chemical_symbols[known[0] if known else min(elements or {29})]
    crystal = {
        "Si": ("diamond", 5.43),
        "Mg": ("fcc", 4.5),
        "Cu": ("fcc", 3.62),
        "Al": ("fcc", 4.04),
        "Fe": ("bcc", 2.83),
    }
    name, a = crystal.get(symbol, ("fcc", 4.2))
    atoms = bulk(symbol, name, a=a, cubic=True)
    strained = np.array([[1.02, 0.01, 0.0], [0.01, 0.99, 0.0], [0.0, 0.0, 1.01]])
    atoms.set_cell(atoms.cell.array @ strained, scale_atoms=True)
    atoms.rattle(0.08, seed=1)
    return atoms


def _run(check: Callable, calculator, atoms) -> CheckResult:
    fault = check(calculator, atoms)
    name = check.__name__.strip("_").replace("_", " ")
    return CheckResult(name, not fault, fault or "as it should be")


def _at(calculator, atoms):
    atoms = atoms.copy()
    atoms.calc = calculator
    return atoms


def _identity_is_stable(spec: Any) -> CheckResult:
    from softfix.bases import load_base

    first, second = load_base(spec).identity, load_base(spec).identity
    detail = "as it should be" if first == second else f"{first} became {second}"
    return CheckResult("identity is stable", first == second, detail)


def _results_have_their_form(calculator, atoms) -> str | None:
    at = _at(calculator, atoms)
    energy, forces = at.get_potential_energy(), at.get_forces()
    if not isinstance(energy, float) or not np.isfinite(energy):
        return f"the energy is {energy!r}, not a finite float"
    if forces.shape != (len(atoms), 3) or forces.dtype != np.float64 or not np.isfinite(forces).all():
        return f"the forces have shape {forces.shape} and type {forces.dtype}, or are not finite"
    free = at.get_potential_energy(force_consistent=True)
    if abs(free - energy) > 1.0 * len(atoms):
        return f"the free energy {free} and the energy {energy} have nothing to do with each other"
    if "stress" in calculator.implemented_properties and at.get_stress().shape != (6,):
        return f"the stress has the shape {at.get_stress().shape}"
    return None


def _slope(calculator, plus, minus) -> float:
    ends = [_at(calculator, atoms).get_potential_energy(force_consistent=True) for atoms in (plus, minus)]
    return (ends[0] - ends[1]) / (2 * STEP)


def _forces_are_derivatives(calculator, atoms) -> str | None:
    forces = _at(calculator, atoms).get_forces()
    limit = RELATIVE * max(np.abs(forces).max(), 0.1)
    for axis in range(3):
        ends = [atoms.copy(), atoms.copy()]
        for sign, end in zip((1, -1), ends, strict=True):
            end.positions[1, axis] += sign * STEP
        numeric = -_slope(calculator, *ends)
        if abs(forces[1, axis] - numeric) > limit:
            return f"the force is {forces[1, axis]:.4f} eV/Å where the energy's slope gives {numeric:.4f}"
    return None


def _stress_is_a_derivative(calculator, atoms) -> str | None:
    if "stress" not in calculator.implemented_properties:
        return None
    stress = _at(calculator, atoms).get_stress()
    limit = RELATIVE * max(np.abs(stress).max(), 0.005)
    for voigt, (a, b) in enumerate(((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))):
        strain = np.zeros((3, 3))
        strain[a, b] += STEP / 2
        strain[b, a] += STEP / 2
        ends = [atoms.copy(), atoms.copy()]
        for sign, end in zip((1, -1), ends, strict=True):
            end.set_cell(atoms.cell.array @ (np.eye(3) + sign * strain), scale_atoms=True)
        numeric = _slope(calculator, *ends) / atoms.get_volume()
        if abs(stress[voigt] - numeric) > limit:
            return f"stress {voigt + 1} is {stress[voigt]:.5f} eV/Å^3 where the energy's slope gives {numeric:.5f}"
    return None


def _energy_is_invariant(calculator, atoms) -> str | None:
    energy = _at(calculator, atoms).get_potential_energy()
    moved, turned, mixed = atoms.copy(), atoms.copy(), atoms[::-1]
    moved.positions += (0.3, -0.4, 0.5)
    turned.rotate(40, (1, 2, 3), rotate_cell=True)
    return _unequal(calculator, energy, len(atoms), {"translation": moved, "rotation": turned, "permutation": mixed})


def _energy_is_extensive(calculator, atoms) -> str | None:
    doubled = atoms * (2, 1, 1)
    energy = 2 * _at(calculator, atoms).get_potential_energy()
    return _unequal(calculator, energy, len(doubled), {"doubling the cell": doubled})


def _unequal(calculator, energy: float, atoms: int, others: dict) -> str | None:
    for change, other in others.items():
        difference = abs(_at(calculator, other).get_potential_energy() - energy) / atoms
        if difference > ROUND_OFF:
            return f"{change} changes the energy by {1000 * difference:.3f} meV/atom"
    return None


def _copies_agree(calculator, atoms) -> str | None:
    energy = _at(calculator, atoms).get_potential_energy()
    other = _at(copy.deepcopy(calculator), atoms).get_potential_energy()
    return None if other == energy else f"a deep copy gives {other} eV instead of {energy}"


def failures(results: Sequence[CheckResult]) -> list[CheckResult]:
    """Those checks that did not pass."""
    return [result for result in results if not result.passed]
