"""WBM high-energy frames in matcalc's JSON: {material: {frame: {"structure": ..., "vasp_f": ...}}}."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from softfix.data.frames import Frame
from softfix.data.reason import reason_of
from softfix.errors import SoftfixError


def read(path: Path) -> list[Frame] | None:
    """Frames with forces (eV/Å) alone, `config_type` being the material; None if the JSON is of another kind.

    Raises:
        SoftfixError: if the JSON is damaged, or a frame lacks its structure or forces.
    """
    materials = _load(path)
    if not _is_wbm(materials):
        return None
    frames: list[Frame] = []
    for material, of_material in materials.items():
        for name, entry in of_material.items():
            frames.append(_frame(entry, material, f"{path}, frame {len(frames) + 1} ({material}, {name})"))
    return frames


def _load(path: Path) -> Any:
    try:
        raw = path.read_bytes()
        return json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise SoftfixError(
            f"{path} is not a structure file that softfix can read: its JSON is damaged or cut short "
            f"({error}); make the file anew."
        ) from error


def _is_wbm(content: Any) -> bool:
    """Whether there are materials that hold frames, the first of which has a structure or forces of VASP."""
    if not isinstance(content, dict) or not all(isinstance(frames, dict) for frames in content.values()):
        return False
    first = next((frame for frames in content.values() for frame in frames.values()), None)
    return isinstance(first, dict) and ("structure" in first or "vasp_f" in first)


def _frame(entry: Any, material: str, source: str) -> Frame:
    try:
        structure = entry["structure"]
        structure = json.loads(structure) if isinstance(structure, str) else structure
        cell = np.array(structure["lattice"]["matrix"], dtype=np.float64)
        numbers = np.array([_number(site) for site in structure["sites"]], dtype=np.int64)
        positions = np.array([_position(site, cell) for site in structure["sites"]], dtype=np.float64)
        forces = np.array(entry["vasp_f"], dtype=np.float64)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise SoftfixError(
            f"{source} is not what a WBM frame should be ({reason_of(error)}): mend it or take it out."
        ) from error
    if forces.shape != (len(numbers), 3):
        raise SoftfixError(
            f"{source}: the forces under 'vasp_f' have the shape {forces.shape} where its atoms need "
            f"({len(numbers)}, 3): write three components per atom."
        )
    return Frame(
        numbers=numbers,
        positions=positions.reshape(-1, 3),
        cell=cell,
        pbc=np.ones(3, dtype=bool),
        forces=forces,
        config_type=material,
        source=source,
        labels_from="vasp_f",
    )


def _number(site: dict) -> int:
    """Atomic number of a site; an oxidation state at its element, as in `Fe3+`, is left out."""
    if len(site["species"]) != 1 or site["species"][0].get("occu", 1) != 1:
        raise ValueError(f"the site {site.get('label', site['species'])} is shared or partly occupied")
    return atomic_numbers[site["species"][0]["element"].rstrip("0123456789.+-")]


def _position(site: dict, cell: np.ndarray) -> np.ndarray:
    """Cartesian position in Å, from the fractional one where there is one."""
    return np.asarray(site["abc"]) @ cell if "abc" in site else np.asarray(site["xyz"])
