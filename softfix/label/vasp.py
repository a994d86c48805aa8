"""VASP: inputs, and what vasprun.xml says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from xml.etree import ElementTree

import numpy as np
from pydantic import Field

from softfix.errors import SoftfixError
from softfix.label.program import ProgramProtocol, Unusable, Waiting, check_same

if TYPE_CHECKING:
    from softfix.data.frames import Frame
    from softfix.evaluations import Evaluation

SMEARING = {"ISMEAR": -1}  # Fermi-Dirac


class VaspProtocol(ProgramProtocol):
    """VASP with PAW potentials of a folder potpaw_PBE/<name>/POTCAR under `potentials_folder`."""

    name = "vasp"
    indifferent: ClassVar[frozenset[str]] = ProgramProtocol.indifferent | {"potentials_folder"}
    where = "VASP is licensed (vasp.at)"

    command: str = Field("vasp_std", description="What runs VASP in the folder of a frame, e.g. mpirun -n 8 vasp_std.")
    potentials: dict[str, str] = Field(default_factory=dict, description="PAW potential per element, e.g. {Ti: Ti_pv}.")
    potentials_folder: str | None = Field(None, description="Holds potpaw_PBE; without it, $VASP_PP_PATH.")
    energy_convergence: float = Field(1e-6, gt=0, description="EDIFF: eV per cell between steps.")
    incar: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="Further INCAR tags, which go before ours; e.g. {GGA: PS} or LDAU tags."
    )

    @property
    def level(self) -> str:
        """Functional, cutoff, k-points, smearing, spins, potentials, further tags."""
        potentials = "".join(f", {symbol}: {name}" for symbol, name in sorted(self.potentials.items()))
        incar = "".join(f", {tag}={value}" for tag, value in sorted(self.incar.items()))
        return f"VASP PBE {self.conditions}{potentials}{incar}"

    def check(self, frames: Sequence[Frame]) -> None:
        """Look for the command and for the potential of every element.

        Raises:
            SoftfixError: if something is missing.
        """
        super().check(frames)
        for frame in frames:
            for symbol in self._species(frame):
                if self._potcar(symbol) is None:
                    raise SoftfixError(
                        f"There is no potpaw_PBE/{self._potential(symbol)}/POTCAR for {symbol} under "
                        f"{self._folder() or '$VASP_PP_PATH, which is not set'}: set potentials_folder, or "
                        f"potentials: {{{symbol}: NAME}}, in the --config file."
                    )

    def write(self, frame: Frame, folder: Path) -> None:
        """INCAR, KPOINTS, POSCAR (atoms sorted by element) and POTCAR; POTCAR.names where potentials are not here."""
        from ase.io import write

        atoms = self.atoms(frame)[_order(frame)]
        write(folder / "POSCAR", atoms, format="vasp", direct=True, vasp5=True)
        (folder / "INCAR").write_text(self._incar(atoms.get_initial_magnetic_moments()), encoding="utf-8")
        grid = " ".join(map(str, self.kpoints(frame)))
        (folder / "KPOINTS").write_text(f"softfix\n0\nGamma\n{grid}\n0 0 0\n", encoding="utf-8")
        potcars = [self._potcar(symbol) for symbol in self._species(frame)]
        if all(path is not None for path in potcars):
            (folder / "POTCAR").write_bytes(b"".join(path.read_bytes() for path in potcars if path))
        else:
            names = "\n".join(self._potential(symbol) for symbol in self._species(frame))
            (folder / "POTCAR.names").write_text(names + "\n", encoding="utf-8")

    def read(self, frame: Frame, folder: Path) -> Evaluation:
        """Free energy, forces and stress of vasprun.xml, in the order of the frame."""
        from ase.io import read

        from softfix.label.aselabel import label_of

        path = folder / "vasprun.xml"
        _check_converged(path)
        atoms: Any = read(path, format="vasp-xml")
        back = np.argsort(_order(frame), kind="stable")
        check_same(frame, atoms[back])
        found = label_of(atoms)
        return replace(found, forces=found.forces[back])

    def _incar(self, moments: np.ndarray) -> str:
        tags: dict[str, object] = {
            "SYSTEM": "softfix", "GGA": "PE", "PREC": "Accurate", "ENCUT": self.cutoff, **SMEARING,
            "SIGMA": self.smearing, "EDIFF": self.energy_convergence, "NELM": self.max_steps, "NSW": 0, "IBRION": -1,
            "ISIF": 2, "LREAL": False, "LASPH": True, "LWAVE": False, "LCHARG": False,
        }  # fmt: skip
        if moments.any():
            tags |= {"ISPIN": 2, "MAGMOM": " ".join(f"{moment:g}" for moment in moments)}
        return "".join(f"{tag} = {_fortran(value)}\n" for tag, value in (tags | self.incar).items())

    def _species(self, frame: Frame) -> list[str]:
        from ase.data import chemical_symbols

        return [chemical_symbols[z] for z in sorted(set(frame.numbers.tolist()))]

    def _potential(self, symbol: str) -> str:
        return self.potentials.get(symbol, symbol)

    def _folder(self) -> str | None:
        return self.potentials_folder or os.environ.get("VASP_PP_PATH")

    def _potcar(self, symbol: str) -> Path | None:
        path = Path(self._folder() or "/nowhere") / "potpaw_PBE" / self._potential(symbol) / "POTCAR"
        return path if path.is_file() else None


def _order(frame: Frame) -> np.ndarray:
    """Atoms of one element side by side, as POTCAR has the elements."""
    return np.argsort(frame.numbers, kind="stable")


def _fortran(value: object) -> str:
    if isinstance(value, bool):
        return ".TRUE." if value else ".FALSE."
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check_converged(path: Path) -> None:
    """VASP stops silently after NELM steps: the number of steps says whether it converged."""
    if not path.is_file():
        raise Waiting(f"there is no {path.name}")
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise Waiting(f"{path.name} is not complete ({error})") from error
    limit = root.find(".//parameters//i[@name='NELM']")
    calculations = root.findall("calculation")
    if limit is None or limit.text is None or not calculations:
        raise Waiting(f"{path.name} holds no calculation")
    steps = len(calculations[-1].findall("scstep"))
    if steps >= int(limit.text):
        raise Unusable(f"SCF not converged in {steps} steps (NELM = {int(limit.text)})")
