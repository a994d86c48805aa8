"""Site energies of a base, and forces of any weighted sum of them: what fencing the softening scale needs.

A potential that sums energies of atoms, E = sum_i e_i, gives them through one module of its network. A hook on that
module reads the e_i, and multiplies their gradients by weights, so that the potential's own derivatives become those of
sum_i w_i e_i at constant w_i. Its energy stays what it is: one evaluation gives both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, TypeGuard, runtime_checkable

import numpy as np

from softfix.bases.protocol import Base
from softfix.errors import SoftfixError


class Sites(NamedTuple):
    """Site energies, and the derivatives of their weighted sum."""

    energies: np.ndarray  # (atoms,) eV, up to a constant per element
    forces: np.ndarray  # (atoms, 3) eV/Å, of sum_i w_i e_i
    stress: np.ndarray | None  # (6,) eV/Å^3, likewise; None without a cell
    results: Mapping[str, Any]  # what else the base says, weights or not: energy and free_energy (eV), magmoms, ...


@runtime_checkable
class SiteBase(Base, Protocol):
    """A base that can tell the energies of its atoms."""

    @property
    def has_sites(self) -> bool:
        """Whether this one can; not all potentials of a family sum energies of atoms."""
        ...

    def sites(self, calculator: Any, atoms: Any, weights: np.ndarray) -> Sites:
        """Site energies of a structure and the slopes of their weighted sum, by a calculator of this base."""
        ...


@runtime_checkable
class BatchBase(SiteBase, Protocol):
    """A base that evaluates several structures at once."""

    def batch(self, calculator: Any, structures: Sequence[Any]) -> list[Sites]:
        """Site energies, forces and stresses (all weights 1) of several structures, by a calculator of this base."""
        ...


def has_sites(base: Any) -> TypeGuard[SiteBase]:
    """Whether a base can tell the energies of its atoms."""
    return isinstance(base, SiteBase) and base.has_sites


def in_batches(base: Any) -> TypeGuard[BatchBase]:
    """Whether a base evaluates several structures at once."""
    return isinstance(base, BatchBase) and base.has_sites


def weighted(calculator: Any, modules: Sequence[Any], unit: float, atoms: Any, weights: np.ndarray) -> Sites:
    """Evaluate with the gradients of the outputs of `modules` weighted.

    Args:
        calculator: of the base, in softfix's dialect.
        modules: torch modules whose outputs hold one number per atom each, and add.
        unit: of those outputs in eV.
        atoms: structure.
        weights: (atoms,) factor of each site energy.

    Raises:
        SoftfixError: if a module gives something else than one number per atom.
    """
    _forget(calculator)
    try:
        with _weighing(modules, weights) as read:
            calculator.calculate(atoms, ("energy", "forces"))
        results = dict(calculator.results)
    finally:
        _forget(calculator)
    return Sites(unit * np.sum(read, axis=0), results.pop("forces"), results.pop("stress", None), results)


def batched(
    modules: Sequence[Any], unit: float, structures: Sequence[Any], evaluate: Callable[[], tuple[Any, Any, Any]]
) -> list[Sites]:
    """What one pass of a network gives for several structures, structure by structure.

    Args:
        modules: torch modules whose outputs hold one number per atom each, and add.
        unit: of those outputs in eV.
        structures: in the order of the batch.
        evaluate: makes the pass; gives energies (structures,) in eV, forces (all atoms, 3) in eV/Å and stresses
            (structures, 3, 3) in eV/Å^3 as arrays.

    Raises:
        SoftfixError: if a module gives something else than one number per atom.
    """
    sizes = [len(atoms) for atoms in structures]
    with _weighing(modules, np.ones(sum(sizes))) as read:
        totals, forces, stresses = (np.asarray(each, dtype=np.float64) for each in evaluate())
    ends = np.cumsum(sizes)[:-1]
    parts = zip(structures, np.split(unit * np.sum(read, axis=0), ends), np.split(forces, ends), totals.reshape(-1),
                stresses.reshape(-1, 3, 3), strict=True)  # fmt: skip
    return [
        Sites(energies, of_atoms, _voigt(stress) if atoms.cell.rank == 3 else None, _results(float(total)))
        for atoms, energies, of_atoms, total, stress in parts
    ]


def _results(total: float) -> dict[str, float]:
    return {"energy": total, "free_energy": total}


def _voigt(stress: np.ndarray) -> np.ndarray:
    from ase.stress import full_3x3_to_voigt_6_stress

    return full_3x3_to_voigt_6_stress(stress)


@contextmanager
def _weighing(modules: Sequence[Any], weights: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Read what modules say of every atom, and weigh the gradients of it, while the block runs."""
    read: list[np.ndarray] = []

    def weigh(_module, _inputs, output):
        if output.numel() != len(weights):
            raise SoftfixError(f"The base gives {output.numel()} site energies for {len(weights)} atoms.")
        read.append(output.detach().cpu().numpy().astype(np.float64).reshape(-1))
        value = output.detach()
        return value + (output - value) * output.new_tensor(weights).reshape(output.shape)

    hooks = [module.register_forward_hook(weigh) for module in modules]
    try:
        yield read
    finally:
        for hook in hooks:
            hook.remove()


def _forget(calculator: Any) -> None:
    """Drop results, which hold only for the weights that they were made with."""
    calculator.reset()
    calculator.inner.reset()
