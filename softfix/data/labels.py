"""From the atoms of ASE, whatever keys they carry, to a labelled frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress

from softfix.data.frames import Frame
from softfix.data.keys import LabelKeys
from softfix.errors import SoftfixError

ASYMMETRY = 1e-4  # eV/Å^3; rounding in files stays below it


def frame_of(atoms: Atoms, keys: LabelKeys | None = None, source: str = "<memory>") -> Frame:
    """Frame with the labels of `atoms`: explicit keys, then REF_*, then calculator results (free energy first).

    Raises:
        SoftfixError: for labels of a wrong shape or an asymmetric stress.
    """
    keys = keys or LabelKeys()
    energy, energy_key = _energy(atoms, keys)
    forces, forces_key = _forces(atoms, keys, source)
    stress, stress_key = _stress(atoms, keys, source)
    return Frame(
        numbers=atoms.numbers.astype(np.int64),
        positions=atoms.positions.astype(np.float64),
        cell=atoms.cell.array.astype(np.float64),
        pbc=np.array(atoms.pbc),
        energy=energy,
        forces=forces,
        stress=stress,
        config_type=str(atoms.info.get("config_type", "default")),
        level=str(atoms.info["level"]) if "level" in atoms.info else None,
        source=source,
        labels_from=", ".join(key for key in (energy_key, forces_key, stress_key) if key) or "none",
    )


def atoms_of(frame: Frame) -> Atoms:
    """Bare atoms of a frame, without labels."""
    return Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=frame.pbc)


def keys_present(atoms: Atoms) -> list[str]:
    """Every key under which something stands, for messages."""
    results = atoms.calc.results if atoms.calc is not None else {}
    plain = {"numbers", "positions"}
    return sorted({*atoms.info, *atoms.arrays, *results} - plain)


def find(atoms: Atoms, name: str) -> Any:
    """A value by its key, out of info, arrays or calculator results; None where it is absent."""
    results = atoms.calc.results if atoms.calc is not None else {}
    for place in (atoms.info, atoms.arrays, results):
        if name in place:
            return place[name]
    return None


def _first(atoms: Atoms, *names: str | None) -> tuple[Any, str | None]:
    for name in names:
        if name and (value := find(atoms, name)) is not None:
            return value, name
    return None, None


def _energy(atoms: Atoms, keys: LabelKeys) -> tuple[float | None, str | None]:
    names = (keys.energy,) if keys.energy else ("REF_energy", "free_energy", "energy")
    value, name = _first(atoms, *names)
    return (None, None) if value is None else (float(value), name)


def _forces(atoms: Atoms, keys: LabelKeys, source: str) -> tuple[np.ndarray | None, str | None]:
    value, name = _first(atoms, *((keys.forces,) if keys.forces else ("REF_forces", "forces")))
    if value is None:
        return None, None
    forces = np.asarray(value, dtype=np.float64)
    if forces.shape != (len(atoms), 3):
        raise SoftfixError(
            f"{source}: forces under '{name}' have the shape {forces.shape}, but {len(atoms)} atoms need "
            f"({len(atoms)}, 3): write three components per atom."
        )
    return forces, name


def _stress(atoms: Atoms, keys: LabelKeys, source: str) -> tuple[np.ndarray | None, str | None]:
    if keys.stress or keys.virials:
        stress, virials = (keys.stress,), (keys.virials,)
    else:
        stress, virials = ("REF_stress", "stress"), ("REF_virials", "REF_virial", "virials", "virial")
    value, name = _first(atoms, stress[0])
    if value is None:
        value, name = _first(atoms, virials[0])
    if value is None:
        value, name = _first(atoms, *stress[1:])
    if value is None:
        value, name = _first(atoms, *virials[1:])
    if value is None:
        return None, None
    array = np.asarray(value, dtype=np.float64)
    if name in virials:
        volume = abs(np.linalg.det(atoms.cell.array))
        if volume < 1e-6:
            raise SoftfixError(f"{source}: virials under '{name}' need a cell with a volume, and this frame has none.")
        array = -array / volume
    return _voigt(array, str(name), source), name


def _voigt(stress: np.ndarray, name: str, source: str) -> np.ndarray:
    if stress.size == 6:
        return stress.reshape(6)
    if stress.size != 9:
        raise SoftfixError(f"{source}: stress under '{name}' has {stress.size} numbers; give 6 (Voigt) or 9 (3x3).")
    full = stress.reshape(3, 3)
    asymmetry = float(np.abs(full - full.T).max())
    if asymmetry > ASYMMETRY:
        raise SoftfixError(
            f"{source}: stress under '{name}' is not symmetric (largest difference {asymmetry:.3g} eV/Å^3): "
            "check the order of its 9 numbers, or give 6 in Voigt order xx yy zz yz xz xy."
        )
    return full_3x3_to_voigt_6_stress(full)
