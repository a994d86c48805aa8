"""GPAW with plane waves and PBE: the default protocol.

The stress of plane waves is the derivative of the energy at a fixed *number* of plane waves, while frames of different
volumes are computed at a fixed cutoff. The difference is the Pulay stress, (2 E_cut / 3 V) dE/dE_cut on the diagonal:
below zero, and without it a crystal seems to want to shrink. It falls quickly with the cutoff (Si at 200 eV: 0.12 GPa,
at 300 eV: 0.02 GPa); `pulay` adds it at the cost of a second energy.

The Materials Project uses PBE, PAW, 520 eV and some 4 k-points per 1/Å with tetrahedra, which these settings
are near to; its Hubbard U for oxides of some transition metals is not added here unless `setups` say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from softfix.bases.package import installed_version
from softfix.data.check import MIN_VOLUME
from softfix.errors import SoftfixError
from softfix.label.protocol import PlaneWaves, missing_package

if TYPE_CHECKING:
    from ase import Atoms

    from softfix.data.frames import Frame
    from softfix.evaluations import Evaluation

PULAY_STEP = 0.05  # relative change of the cutoff for dE/dE_cut


class GpawProtocol(PlaneWaves):
    """GPAW: PAW and plane waves; no wave function is handed from one frame to the next."""

    name = "gpaw"

    xc: str = Field("PBE", description="Exchange-correlation functional, as GPAW names it.")
    setups: dict[str, str] = Field(
        default_factory=dict, description="PAW setup per element, e.g. {Fe: ':d,4.0'} for a Hubbard U of 4 eV."
    )
    energy_convergence: float = Field(1e-5, gt=0, description="eV per valence electron between steps.")
    density_convergence: float = Field(1e-5, gt=0, description="Electrons per valence electron between steps.")
    force_convergence: float = Field(5e-3, gt=0, description="eV/Å between steps.")
    pulay: bool = Field(False, description="Add the Pulay stress, from a second energy at a cutoff 5 % higher.")

    @property
    def version(self) -> str:
        """Version of GPAW."""
        found = installed_version("gpaw")
        if found is None:
            raise missing_package("gpaw", "gpaw", "'softfix[gpaw]'")
        return found

    @property
    def level(self) -> str:
        """GPAW's version, functional, cutoff, k-points, smearing, spins, setups."""
        setups = "".join(f", setup {symbol} {setup}" for symbol, setup in sorted(self.setups.items()))
        pulay = ", Pulay stress added" if self.pulay else ""
        return f"GPAW {self.version} {self.xc} {self.conditions}{setups}{pulay}"

    def check(self, frames: Sequence[Frame]) -> None:
        """Look for GPAW, for the PAW setup of every element, and for cells.

        Raises:
            SoftfixError: if one is missing.
        """
        assert self.version
        for frame in frames:
            if frame.volume < MIN_VOLUME:
                raise SoftfixError(f"{frame.source} has no cell, which plane waves need: put the molecule into one.")
            self.electrons(frame)

    def electrons(self, frame: Frame) -> float:
        """Valence electrons of the PAW setups."""
        from ase.data import chemical_symbols

        return float(sum(_valence(chemical_symbols[z], self.xc, self.setups.get(chemical_symbols[z], ""))
                         for z in frame.numbers))  # fmt: skip

    def label(self, frame: Frame, folder: Path) -> Evaluation:
        """Free energy, forces and stress; the stress without the Pulay part unless `pulay` is set."""
        from softfix.label.aselabel import label_of

        atoms = self.atoms(frame)
        atoms.calc = self.calculator(frame, self.cutoff)
        evaluation = label_of(atoms)
        if self.pulay and evaluation.stress is not None:
            pulay = self._pulay_stress(frame, atoms, evaluation.energy)
            evaluation = replace(evaluation, stress=evaluation.stress + pulay)
        return evaluation

    def calculator(self, frame: Frame, cutoff: float) -> Any:
        """GPAW as an ASE calculator, for a cutoff in eV."""
        from gpaw import GPAW

        convergence = {
            "energy": self.energy_convergence,
            "density": self.density_convergence,
            "forces": self.force_convergence,
        }
        return GPAW(
            mode={"name": "pw", "ecut": cutoff},
            xc=self.xc,
            kpts={"size": self.kpoints(frame), "gamma": True},
            occupations={"name": "fermi-dirac", "width": self.smearing},
            convergence=convergence,
            maxiter=self.max_steps,
            setups={"default": "paw", **self.setups},
            txt=None,
        )

    def _pulay_stress(self, frame: Frame, atoms: Atoms, energy: float) -> np.ndarray:
        """(2 E_cut / 3 V) dE/dE_cut on the diagonal, Voigt, eV/Å^3."""
        higher = atoms.copy()
        higher.calc = self.calculator(frame, self.cutoff * (1 + PULAY_STEP))
        slope = (higher.get_potential_energy(force_consistent=True) - energy) / (self.cutoff * PULAY_STEP)
        pressure = 2 * self.cutoff / (3 * frame.volume) * slope
        return np.array([pressure, pressure, pressure, 0.0, 0.0, 0.0])


@lru_cache(maxsize=128)
def _valence(symbol: str, xc: str, setup: str) -> float:
    """Valence electrons of an element's PAW setup."""
    from gpaw.setup_data import SetupData
    from gpaw.xc import XC

    kind = setup.partition(":")[0]
    try:
        return float(SetupData(symbol, XC(xc).get_setup_name(), kind or "paw").Nv or 0)
    except FileNotFoundError as error:
        raise SoftfixError(
            f"GPAW has no PAW setup {kind or 'paw'} of {symbol} for {xc} in GPAW_SETUP_PATH: "
            "pip install gpaw-data, or gpaw install-data FOLDER; some elements have none."
        ) from error
