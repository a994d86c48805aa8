"""Displaced supercells of phonopy; their forces are differences against the perfect supercell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from softfix.data.frames import Frame
from softfix.data.reason import reason_of
from softfix.errors import SoftfixError

if TYPE_CHECKING:
    from ase import Atoms

YAML = ("phonopy_params.yaml", "phonopy_disp.yaml", "phonopy.yaml", "phonon.yaml")


def read(path: Path) -> list[Frame]:
    """One frame per displaced supercell, each with the perfect supercell as its reference.

    Both kinds of data sets are read: one atom displaced at a time, and all atoms at random. Lengths and
    forces become Å and eV/Å by the units of the code that the yaml names. They are taken as they stand:
    residual forces of the perfect supercell are out of them only if phonopy was told so (`--fz`).

    Args:
        path: a phonopy yaml with forces in it or FORCE_SETS beside it, or FORCE_SETS with a yaml beside it.

    Raises:
        SoftfixError: if the yaml or the forces are missing, damaged or do not fit together.
    """
    yaml, force_sets = _files(path)
    try:
        supercell, dataset, units = _content(yaml, force_sets, named=force_sets == path)
        displacements, forces = _arrays(dataset, len(supercell))
    except Exception as error:  # phonopy raises whatever a damaged file makes it stumble on
        raise SoftfixError(
            f"{path} cannot be read by phonopy ({reason_of(error)}): mend it, or make it anew."
        ) from error
    if forces is None:
        raise SoftfixError(f"{path} holds no forces: put FORCE_SETS beside it, or give phonopy_params.yaml.")
    angstrom, ev_per_angstrom = units
    perfect = _frame(supercell, np.zeros(3), angstrom, f"{path}, perfect supercell")
    return [
        _frame(supercell, moved, angstrom, f"{path}, frame {number}", force * ev_per_angstrom, perfect)
        for number, (moved, force) in enumerate(zip(displacements, forces, strict=True), start=1)
    ]


def _files(path: Path) -> tuple[Path, Path | None]:
    """The yaml and, if there is one, the FORCE_SETS of a data set named by either."""
    if "FORCE_SETS" not in path.name:
        force_sets = path.with_name("FORCE_SETS")
        return path, force_sets if force_sets.is_file() else None
    beside = [path.with_name(name) for name in YAML if path.with_name(name).is_file()]
    if not beside:
        raise SoftfixError(f"{path} needs the yaml of its supercell: put one of {', '.join(YAML)} beside it.")
    return beside[0], path


def _content(yaml: Path, force_sets: Path | None, named: bool) -> tuple[Any, Any, tuple[float, float]]:
    """Perfect supercell, data set of displacements and forces, and the units of both in Å and eV/Å.

    FORCE_SETS goes before forces in the yaml where the user named it, and after them where it stands beside.
    """
    from phonopy import Phonopy
    from phonopy.file_IO import parse_FORCE_SETS
    from phonopy.interface.calculator import get_calculator_physical_units
    from phonopy.interface.phonopy_yaml import PhonopyYaml

    content = PhonopyYaml()
    content.read(yaml)
    if content.unitcell is None:
        raise ValueError("no unit cell")
    matrix = np.eye(3, dtype=int) if content.supercell_matrix is None else content.supercell_matrix
    phonon = Phonopy(content.unitcell, matrix, primitive_matrix=np.eye(3), is_symmetry=False, log_level=0)
    units = get_calculator_physical_units(content.calculator)
    dataset = content.dataset
    if force_sets is not None and (named or not _has_forces(dataset)):
        dataset = parse_FORCE_SETS(natom=len(phonon.supercell), filename=force_sets)
    return phonon.supercell, dataset, (units.distance_to_A, units.force_to_eVperA)


def _has_forces(dataset: Any) -> bool:
    return bool(dataset) and ("forces" in dataset or any("forces" in one for one in dataset.get("first_atoms", [])))


def _arrays(dataset: Any, atoms: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Displacements and forces, each (supercells, atoms, 3), in the units of the file."""
    if not dataset:
        raise ValueError("it holds no displacements")
    if "first_atoms" in dataset:
        displaced = dataset["first_atoms"]
        displacements = np.zeros((len(displaced), atoms, 3))
        for row, one in zip(displacements, displaced, strict=True):
            row[one["number"]] = one["displacement"]
        forces = np.array([one["forces"] for one in displaced]) if _has_forces(dataset) else None
    else:
        displacements, forces = np.asarray(dataset["displacements"]), dataset.get("forces")
    if forces is not None and np.shape(forces) != displacements.shape:
        raise ValueError(f"forces of the shape {np.shape(forces)} for displacements of {displacements.shape}")
    return displacements, forces


def _frame(
    supercell: Any,
    displacements: np.ndarray,
    angstrom: float,
    source: str,
    forces: np.ndarray | None = None,
    reference: Frame | None = None,
) -> Frame:
    return Frame(
        numbers=np.asarray(supercell.numbers, dtype=np.int64),
        positions=(supercell.positions + displacements) * angstrom,
        cell=np.asarray(supercell.cell, dtype=np.float64) * angstrom,
        pbc=np.ones(3, dtype=bool),
        forces=forces,
        config_type="phonopy",
        source=source,
        labels_from="none" if forces is None else "phonopy forces",
        reference=reference,
    )


def phonopy_cell(atoms: Atoms) -> Any:
    """The same atoms as phonopy has them."""
    from phonopy.structure.atoms import PhonopyAtoms

    return PhonopyAtoms(numbers=atoms.numbers, cell=atoms.cell.array, scaled_positions=atoms.get_scaled_positions())
