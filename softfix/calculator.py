"""The corrected potential as an ASE calculator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from softfix.bases.sites import Sites, has_sites
from softfix.correct import correct, uncertainty
from softfix.correction import Correction, load_correction, require_base
from softfix.data.check import SoftfixWarning
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation, atoms_of


def load(path: str | Path, base: Any = None, any_base: bool = False) -> CorrectedCalculator:
    """Corrected calculator from a correction file; the base is rebuilt from the file's header.

    Args:
        path: file that `softfix fit` wrote.
        base: a base, its spec or an ASE calculator, where the header's cannot be rebuilt.
        any_base: accept another base than the one that was fitted.

    Raises:
        SoftfixError: if the file or the base does not fit.
    """
    correction = load_correction(path)
    return CorrectedCalculator(correction.base.spec if base is None else base, correction, any_base)


class CorrectedCalculator(Calculator):
    """Base plus correction: energy, free_energy, forces, stress, and whatever else the base gives.

    `extra_results` holds, for the last structure, `base_energy`, `base_forces`, `base_stress`, `correction_energy`,
    `correction_forces`, `correction_stress`, and - computed only when they are asked for -
    `uncertainty_energy` (eV, of the energy up to composition offsets), `uncertainty_forces` (atoms, 3) and
    `uncertainty_stress` (6,): one standard deviation of the distance to DFT, see `softfix.correct.uncertainty`.

    A structure that holds an element outside the fit is left to the base, bit for bit, with a warning.
    """

    def __init__(self, base: Any, correction: Correction | str | Path, any_base: bool = False):
        """Combine a base (spec, ASE calculator or base) and a correction (or its file).

        Raises:
            SoftfixError: if the correction was fitted to another base.
        """
        from softfix.bases import load_base

        super().__init__()
        base = load_base(base)
        self.correction = correction if isinstance(correction, Correction) else load_correction(correction)
        require_base(self.correction, base.identity, any_base)
        self._potential, self.base = base, base.calculator()
        per_atom = {"energies", "stresses"}  # the base's shares do not sum to the corrected totals
        self.implemented_properties = sorted(set(self.base.implemented_properties) - per_atom)
        self.extra_results: Mapping[str, Any] = {}
        self._warned: frozenset[int] = frozenset()

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Evaluate the base, then the correction, and add."""
        super().calculate(atoms, properties, system_changes)
        for name in properties:
            self.base.get_property(name, self.atoms)
        results = {name: value for name, value in self.base.results.items() if name in self.implemented_properties}
        geometry = _geometry(self.atoms)
        self._warn_unknown(geometry)
        base = Evaluation(results["energy"], results["forces"], results.get("stress"))
        change = correct(self.correction, geometry, base, self._shares if has_sites(self._potential) else None)
        results["energy"] = base.energy + change.energy
        results["free_energy"] = results["free_energy"] + change.energy
        results["forces"] = base.forces + change.forces
        if base.stress is not None and change.stress is not None:
            results["stress"] = base.stress + change.stress
        self.results = results
        self.extra_results = ExtraResults(
            {
                **getattr(self.base, "extra_results", {}),
                **_parts("base", base),
                **_parts("correction", change),
            },
            lambda: uncertainty(self.correction, geometry, base, base.forces + change.forces),
        )

    def _shares(self, geometry: Frame, weights: np.ndarray) -> Sites:
        return self._potential.sites(self.base, atoms_of(geometry), weights)

    def _warn_unknown(self, geometry: Frame) -> None:
        unknown = frozenset(geometry.numbers.tolist()) - frozenset(self.correction.elements)
        if unknown - self._warned:
            from ase.data import chemical_symbols

            self._warned |= unknown
            names = ", ".join(chemical_symbols[z] for z in sorted(unknown))
            warnings.warn(
                f"{names}: not among the elements of the correction ({', '.join(self.correction.symbols)}); "
                "structures that hold it are left to the base.",
                SoftfixWarning,
                stacklevel=2,
            )


def _geometry(atoms: Any) -> Frame:
    return Frame(atoms.numbers.copy(), atoms.positions.copy(), atoms.cell.array.copy(), atoms.pbc.copy())


class ExtraResults(Mapping):
    """Results outside ASE's list; those of the uncertainty are computed when they are first asked for."""

    LATE = ("uncertainty_energy", "uncertainty_forces", "uncertainty_stress")

    def __init__(self, ready: dict[str, Any], late: Callable[[], tuple]):
        """Hold what is ready and the function for the rest."""
        self._ready, self._late = ready, late

    def __getitem__(self, key: str) -> Any:
        if key in self.LATE and key not in self._ready:
            self._ready.update(zip(self.LATE, self._late(), strict=True))
        return self._ready[key]

    def __iter__(self) -> Iterator[str]:
        return iter([*(key for key in self._ready if key not in self.LATE), *self.LATE])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __reduce__(self):
        return dict, (dict(self),)


def _parts(name: str, evaluation: Evaluation) -> dict[str, Any]:
    return {
        f"{name}_energy": evaluation.energy,
        f"{name}_forces": evaluation.forces,
        f"{name}_stress": evaluation.stress,
    }
