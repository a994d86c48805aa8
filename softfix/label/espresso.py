"""Quantum ESPRESSO: inputs for pw.x, and what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from softfix.errors import SoftfixError
from softfix.label.program import ProgramProtocol, Unusable, Waiting, check_same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from softfix.data.frames import Frame
    from softfix.evaluations import Evaluation

OUTPUT = "espresso.pwo"


class EspressoProtocol(ProgramProtocol):
    """pw.x; the functional is that of the pseudopotentials unless `namelists` say otherwise."""

    name = "espresso"
    indifferent: ClassVar[frozenset[str]] = ProgramProtocol.indifferent | {"pseudo_folder"}
    where = "conda install -c conda-forge qe"

    command: str = Field("pw.x -in espresso.pwi", description="What runs pw.x in the folder of a frame.")
    pseudopotentials: dict[str, str] = Field(default_factory=dict, description="UPF file per element.")
    pseudo_folder: str = Field(".", description="Folder of those files, where pw.x runs.")
    density_cutoff: float | None = Field(None, gt=0, description="Cutoff of the density in eV; without it, 8 times.")
    energy_convergence: float = Field(1e-8, gt=0, description="conv_thr: eV per cell between steps.")
    namelists: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Further input that goes before ours, e.g. {system: {input_dft: PBEsol}}."
    )

    @property
    def level(self) -> str:
        """Cutoff, k-points, smearing, spins, pseudopotentials, further input."""
        files = "".join(f", {symbol}: {name}" for symbol, name in sorted(self.pseudopotentials.items()))
        further = f", {self.namelists}" if self.namelists else ""
        return f"Quantum ESPRESSO {self.conditions}{files}{further}"

    def check_inputs(self, frames: Sequence[Frame]) -> None:
        """Look for a pseudopotential's name for every element.

        Raises:
            SoftfixError: if one is missing, or a frame has no cell.
        """
        super().check_inputs(frames)
        for frame in frames:
            for symbol in sorted(set(self.atoms(frame).symbols)):
                if symbol not in self.pseudopotentials:
                    raise SoftfixError(
                        f"No pseudopotential for {symbol} ({frame.source}) is named: add pseudopotentials: "
                        f"{{{symbol}: FILE.UPF}} to the --config file."
                    )

    def check(self, frames: Sequence[Frame]) -> None:
        """Look for the command and the files of pseudopotentials.

        Raises:
            SoftfixError: if something is missing.
        """
        super().check(frames)
        for symbol in sorted({symbol for frame in frames for symbol in self.atoms(frame).symbols}):
            path = Path(self.pseudo_folder) / self.pseudopotentials[symbol]
            if not path.is_file():
                raise SoftfixError(
                    f"The pseudopotential {path} of {symbol} does not exist: set pseudo_folder in the --config file."
                )

    def write(self, frame: Frame, folder: Path) -> None:
        """espresso.pwi."""
        from ase.io.espresso import write_espresso_in

        with (folder / "espresso.pwi").open("w", encoding="utf-8") as stream:
            write_espresso_in(
                stream,
                self.atoms(frame),
                input_data=self._namelists(),
                pseudopotentials=self.pseudopotentials,
                kpts=self.kpoints(frame),
                koffset=(0, 0, 0),
            )

    def read(self, frame: Frame, folder: Path) -> Evaluation:
        """Free energy (that with -TS), forces and stress that pw.x printed."""
        from ase.io import read

        from softfix.label.aselabel import label_of

        path = next((found for name in (OUTPUT, "command.log") if (found := folder / name).is_file()), None)
        if path is None:
            raise Waiting(f"there is no {OUTPUT}")
        text = path.read_text(encoding="utf-8", errors="replace")
        if "convergence NOT achieved" in text:
            raise Unusable(f"SCF not converged, as {path.name} says")
        if "JOB DONE" not in text:
            raise Waiting(f"{path.name} does not say JOB DONE")
        atoms: Any = read(path, format="espresso-out")
        check_same(frame, atoms)
        return label_of(atoms)

    def _namelists(self) -> dict[str, dict[str, Any]]:
        from ase.units import Ry

        own: dict[str, dict[str, Any]] = {
            "control": {"calculation": "scf", "tprnfor": True, "tstress": True, "disk_io": "none",
                        "pseudo_dir": str(Path(self.pseudo_folder).absolute()), "outdir": "."},
            "system": {"ecutwfc": self.cutoff / Ry, "ecutrho": (self.density_cutoff or 8 * self.cutoff) / Ry,
                       "occupations": "smearing", "smearing": "fermi-dirac", "degauss": self.smearing / Ry},
            "electrons": {"conv_thr": self.energy_convergence / Ry, "electron_maxstep": self.max_steps},
        }  # fmt: skip
        if any(np.any(moments) for moments in self.magnetic_moments.values()):
            own["system"]["nspin"] = 2
        names = own.keys() | self.namelists.keys()
        return {name: {**own.get(name, {}), **self.namelists.get(name, {})} for name in sorted(names)}
