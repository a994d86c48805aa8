"""Displaced supercells of phonopy: forces as differences against the perfect supercell."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from softfix.data.frames import Frame
from softfix.errors import SoftfixError

YAML = ("phonopy_params.yaml", "phonopy_disp.yaml", "phonopy.yaml", "phonon.yaml")


def is_phonopy(path: Path) -> bool:
    """Whether a file's name is one of phonopy's (…phonopy….yaml, also .xz, or …FORCE_SETS…)."""
    name = path.name
    return "FORCE_SETS" in name or (".yaml" in name and ("phonopy" in name or "phonon" in name))


def read(path: Path) -> list[Frame]:
    """One frame per displaced supercell, each with the perfect supercell as its reference.

    Forces become eV/Å where the yaml names another code's units.

    Raises:
        SoftfixError: if the yaml or the forces are missing or do not fit together.
    """
    phonon = _load(path)
    supercells, forces = phonon.supercells_with_displacements, phonon.forces
    if supercells is None or forces is None:
        raise SoftfixError(f"{path} holds no forces: put FORCE_SETS beside it or use phonopy_params.yaml.")
    to_ev, to_angstrom = _units(phonon, path)
    perfect = _frame(phonon.supercell, to_angstrom, f"{path}, perfect supercell")
    return [
        _frame(cell, to_angstrom, f"{path}, frame {number}", np.asarray(force) * to_ev / to_angstrom, perfect)
        for number, (cell, force) in enumerate(zip(supercells, forces, strict=True), start=1)
        if cell is not None
    ]


def _load(path: Path):
    import phonopy

    force_sets = path if "FORCE_SETS" in path.name else path.with_name("FORCE_SETS")
    if "FORCE_SETS" in path.name:
        beside = [path.with_name(name) for name in YAML if path.with_name(name).is_file()]
        if not beside:
            raise SoftfixError(f"{path} needs its supercell: put phonopy_disp.yaml (or {', '.join(YAML)}) beside it.")
        path = beside[0]
    try:
        return phonopy.load(
            path,
            force_sets_filename=force_sets if force_sets.is_file() else None,
            produce_fc=False,
            is_nac=False,
            log_level=0,
        )
    except Exception as error:  # phonopy raises whatever a damaged file makes it stumble on
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise SoftfixError(f"{path} cannot be read by phonopy ({reason}).") from error


def _units(phonon, path: Path) -> tuple[float, float]:
    """Energy and length units of the code that made the forces, in eV and Å."""
    from ase.units import Bohr, Hartree, Rydberg

    known = {None: (1.0, 1.0), "vasp": (1.0, 1.0), "aims": (1.0, 1.0), "qe": (Rydberg, Bohr), "abinit": (1.0, Bohr),
             "siesta": (1.0, Bohr), "elk": (Hartree, Bohr), "turbomole": (Hartree, Bohr)}  # fmt: skip
    code = phonon.calculator
    if code not in known:
        raise SoftfixError(f"{path} states the units of '{code}', which softfix does not convert; give eV/Å and Å.")
    return known[code]


def _frame(cell, scale: float, source: str, forces=None, reference: Frame | None = None) -> Frame:
    return Frame(
        numbers=np.asarray(cell.numbers, dtype=np.int64),
        positions=np.asarray(cell.positions, dtype=np.float64) * scale,
        cell=np.asarray(cell.cell, dtype=np.float64) * scale,
        pbc=np.ones(3, bool),
        forces=forces,
        config_type="phonopy",
        source=source,
        labels_from="FORCE_SETS" if forces is not None else "none",
        reference=reference,
    )
