"""Between the atoms of ASE, whatever keys they carry, and frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from softfix.data.frames import Frame
from softfix.data.keys import LabelKeys
from softfix.data.stress import stress_of_virials, voigt_stress
from softfix.errors import SoftfixError

# Tried in this order where no explicit key is given; the free energy is what forces are the derivative of.
ENERGY = ("REF_energy", "free_energy", "energy")
FORCES = ("REF_forces", "forces")
STRESS = ("REF_stress", "REF_virials", "REF_virial", "stress", "virials", "virial")
PROVENANCE = ("recipe", "seed", "parent")
VIRIALS = ("REF_virials", "REF_virial", "virials", "virial")


def atoms_of(frame: Frame) -> Atoms:
    """Bare atoms of a frame (Å), without labels, info or calculator."""
    return Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=frame.pbc)


def frame_of(atoms: Atoms, keys: LabelKeys | None = None, source: str = "<memory>") -> Frame:
    """Frame with the labels of `atoms`: explicit keys, then REF_*, then calculator results.

    The free energy goes before the energy. What a calculator computed before the atoms moved is left out.

    Args:
        atoms: structure in Å; labels in eV, eV/Å and eV/Å^3 in its info, arrays or calculator results.
        keys: explicit names of the labels.
        source: where the atoms come from, for messages.

    Raises:
        SoftfixError: for labels that are no numbers or of a wrong shape, or an asymmetric stress.
    """
    keys = keys or LabelKeys()
    energy, energy_key = _energy(atoms, keys, source)
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
        energies=_energies(atoms),
        provenance={key: str(atoms.info[key]) for key in PROVENANCE if key in atoms.info},
    )


def frames_of(images: Sequence[Atoms], keys: LabelKeys, path: Path) -> list[Frame]:
    """Labelled frames of the images of one file.

    Raises:
        SoftfixError: if an explicit key stands in no frame, or a frame has no label at all and one is required.
    """
    for label, key in keys.given.items():
        if all(_find(atoms, key) is None for atoms in images):
            raise SoftfixError(f"{path} has no '{key}' for the {label} in any frame; there are {_present(images)}.")
    frames = [frame_of(atoms, keys, f"{path}, frame {number}") for number, atoms in enumerate(images, start=1)]
    for frame, atoms in zip(frames, images, strict=True):
        if frame.labels_from == "none" and keys.required:
            raise SoftfixError(
                f"{frame.source} has no energy, forces or stress under a key that softfix knows; there are "
                f"{_present([atoms])}: name the right ones with --energy-key, --forces-key, --stress-key or "
                "--virials-key, or take the frame out."
            )
    return frames


def _results(atoms: Atoms) -> dict[str, Any]:
    """Calculator results that belong to the atoms as they are now."""
    calculator = atoms.calc
    if calculator is None:
        return {}
    stored = isinstance(calculator, SinglePointCalculator)  # it cannot compute, so what it holds is what was read
    if not stored and hasattr(calculator, "check_state") and calculator.check_state(atoms):
        return {}
    return getattr(calculator, "results", {})


def _present(images: Sequence[Atoms]) -> str:
    """Every key under which something stands, for messages."""
    info = sorted({key for atoms in images for key in atoms.info})
    arrays = sorted({key for atoms in images for key in atoms.arrays} - {"numbers", "positions"})
    results = sorted({key for atoms in images for key, value in _results(atoms).items() if value is not None})
    places = (("per frame", info), ("per atom", arrays), ("calculator results", results))
    return "; ".join(f"{place}: {', '.join(names) or 'none'}" for place, names in places)


def _find(atoms: Atoms, *names: str) -> tuple[np.ndarray | str, str] | None:
    """Value and name of the first of `names` in info, arrays or calculator results."""
    places = (atoms.info, atoms.arrays, _results(atoms))
    for name in names:
        for place in places:
            if place.get(name) is not None:
                return place[name], name
    return None


def _numbers(value: Any, name: str, source: str) -> np.ndarray:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SoftfixError(f"{source}: '{name}' should be numbers but reads {str(value)[:40]!r}: mend it.") from error


def _energy(atoms: Atoms, keys: LabelKeys, source: str) -> tuple[float | None, str | None]:
    found = _find(atoms, *((keys.energy,) if keys.energy else ENERGY))
    if found is None:
        return None, None
    energy = _numbers(*found, source)
    if energy.size != 1:
        raise SoftfixError(f"{source}: the energy under '{found[1]}' should be 1 number but has {energy.size}.")
    return energy.item(), found[1]


def _energies(atoms: Atoms) -> dict[str, float]:
    """Every single number under a name for energies; the doctor compares them."""
    found = {name: _find(atoms, name) for name in ENERGY}
    return {
        name: float(value[0])
        for name, value in found.items()
        if value is not None and np.ndim(value[0]) == 0 and np.isreal(value[0])
    }


def _forces(atoms: Atoms, keys: LabelKeys, source: str) -> tuple[np.ndarray | None, str | None]:
    found = _find(atoms, *((keys.forces,) if keys.forces else FORCES))
    if found is None:
        return None, None
    forces = _numbers(*found, source)
    if forces.shape != (len(atoms), 3):
        raise SoftfixError(
            f"{source}: the forces under '{found[1]}' have the shape {forces.shape} where its atoms need "
            f"({len(atoms)}, 3): write three components per atom."
        )
    return forces, found[1]


def _stress(atoms: Atoms, keys: LabelKeys, source: str) -> tuple[np.ndarray | None, str | None]:
    explicit = tuple(key for key in (keys.stress, keys.virials) if key)
    found = _find(atoms, *(explicit or STRESS))
    if found is None:
        return None, None
    name = found[1]
    values, where = _numbers(*found, source), f"{source}: '{name}'"
    if name == keys.virials or (name in VIRIALS and name != keys.stress):
        values = stress_of_virials(values, atoms.cell.volume, where)
    return voigt_stress(values, where), name
