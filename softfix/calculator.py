"""The corrected potential as an ASE calculator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from softfix.bases.sites import Sites, has_sites
from softfix.compiled import keep_compiled
from softfix.correct import Change, add_scaled, beside, change_of, uncertainty
from softfix.correction import Correction, load_correction, require_base
from softfix.data.check import SoftfixWarning
from softfix.data.frames import Frame
from softfix.device import share_gpu
from softfix.evaluations import Evaluation, atoms_of, evaluate_frame
from softfix.neighbours import Search

KINDS = ("energy", "forces", "stress")
PARTS = tuple(f"{part}_{kind}" for part in ("base", "correction") for kind in KINDS)
UNCERTAINTIES = tuple(f"uncertainty_{kind}" for kind in KINDS)
SKIN = 0.5  # Å


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

    `extra_results` holds, for the last structure - computed only when they are asked for - `base_energy`,
    `base_forces`, `base_stress`, `correction_energy`, `correction_forces`, `correction_stress`, and
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
        share_gpu()
        keep_compiled()
        base = load_base(base)
        self.correction = correction if isinstance(correction, Correction) else load_correction(correction)
        require_base(self.correction, base.identity, any_base)
        self._potential, self.base = base, base.calculator()
        self._search = Search(self.correction.basis.cutoff, SKIN)
        per_atom = {"energies", "stresses"}  # the base's shares do not sum to the corrected totals
        self.implemented_properties = sorted(set(self.base.implemented_properties) - per_atom)
        self.extra_results: Mapping[str, Any] = {}
        self._warned: frozenset[int] = frozenset()
        self._divided = False  # whether the last structure had atoms on both sides of the fence

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Evaluate the base and, beside it on other cores, the geometry's part of the correction; add.

        Atoms behind the fence change what is asked of the base. Whether there are any is as it was for the last
        structure, nearly always; otherwise the base is asked twice.
        """
        super().calculate(atoms, properties, system_changes)
        geometry = _geometry(self.atoms)
        self._warn_unknown(geometry)
        change = change_of(self.correction, geometry, self._search)
        if not self._divided:
            self._ask_base(properties)
        behind = change.behind if change is not None and has_sites(self._potential) else None
        self._divided = behind is not None
        if change is not None and behind is not None:
            self._add_fenced(geometry, change, 1.0 - behind)
        else:
            self._add(geometry, change, properties)

    def _ask_base(self, properties: Sequence[str]) -> None:
        for name in properties:
            self.base.get_property(name, self.atoms)

    def _add(self, geometry: Frame, change: Change | None, properties: Sequence[str]) -> None:
        """Base plus correction where no atom is behind the fence, or the base cannot tell them apart."""
        self._ask_base(properties)
        base = _evaluation(self.base.results)
        rest = beside(self.correction, geometry, change, base.energy)
        added = add_scaled(self.correction.scale if change else 0.0, base, rest)
        total = Evaluation(base.energy + added.energy, base.forces + added.forces, _sum(base.stress, added.stress))
        self._keep(geometry, self.base.results, total, lambda: {**_parts("base", base), **_parts("correction", added)})

    def _add_fenced(self, geometry: Frame, change: Change, fence: np.ndarray) -> None:
        """The same with site energies weighted by 1 + (c - 1) h_i in one evaluation of the base."""
        sites = self._shares(geometry, 1.0 + self.correction.scale * fence)
        rest = beside(self.correction, geometry, change, sites.results["energy"], sites.energies)
        added = add_scaled(1.0, sites, rest)
        total = replace(added, energy=sites.results["energy"] + rest.energy)
        self._keep(geometry, sites.results, total, lambda: self._split(total))

    def _keep(self, geometry: Frame, of_base: Mapping, total: Evaluation, parts: Callable[[], dict]) -> None:
        """Set the results of ASE, and those outside its list."""
        results = {name: value for name, value in of_base.items() if name in self.implemented_properties}
        results["free_energy"] += total.energy - results["energy"]
        results |= {"energy": total.energy, "forces": total.forces}
        if total.stress is not None:
            results["stress"] = total.stress
        self.results = results

        def bars() -> dict:
            base = Evaluation(*(extra[f"base_{name}"] for name in ("energy", "forces", "stress")))
            return dict(zip(UNCERTAINTIES, uncertainty(self.correction, geometry, base, total.forces), strict=True))

        extra = ExtraResults(getattr(self.base, "extra_results", {}), {PARTS: parts, UNCERTAINTIES: bars})
        self.extra_results = extra

    def _split(self, total: Evaluation) -> dict[str, Any]:
        """Parts of the base and of the correction, where only their sum was evaluated."""
        base = evaluate_frame(self.base, _geometry(self.atoms))
        return {**_parts("base", base), **_parts("correction", total - base)}

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
    """Results outside ASE's list; some are computed when one of them is first asked for."""

    def __init__(self, ready: Mapping[str, Any], late: Mapping[tuple[str, ...], Callable[[], dict[str, Any]]]):
        """Hold what is ready, and a function for each group of the rest."""
        self._ready, self._late = dict(ready), dict(late)

    def __getitem__(self, key: str) -> Any:
        for names in [names for names in self._late if key in names]:
            self._ready |= self._late.pop(names)()
        return self._ready[key]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._ready, *(name for names in self._late for name in names)])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __reduce__(self):
        return dict, (self._ready,)


def _evaluation(results: Mapping[str, Any]) -> Evaluation:
    return Evaluation(results["energy"], results["forces"], results.get("stress"))


def _sum(first: np.ndarray | None, second: np.ndarray | None) -> np.ndarray | None:
    return None if first is None or second is None else first + second


def _parts(name: str, evaluation: Evaluation) -> dict[str, Any]:
    values = (evaluation.energy, evaluation.forces, evaluation.stress)
    return {f"{name}_{kind}": value for kind, value in zip(KINDS, values, strict=True)}
