"""WBM high-energy frames in matcalc's JSON: {material: {frame: {"structure": ..., "vasp_f": ...}}}."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers

from softfix.data.frames import Frame
from softfix.errors import SoftfixError


def is_wbm(path: Path) -> bool:
    """Whether a file name says JSON; its content is checked on reading."""
    return path.name.endswith((".json", ".json.gz"))


def read(path: Path) -> list[Frame]:
    """Frames with forces (eV/Å) alone; `config_type` is the material.

    Raises:
        SoftfixError: if the JSON is damaged or of another shape.
    """
    try:
        content = _load(path)
    except (OSError, EOFError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SoftfixError(f"{path} is not readable JSON ({error}): mend or recreate the file.") from error
    if not isinstance(content, dict) or not all(isinstance(frames, dict) for frames in content.values()):
        raise SoftfixError(f"{path} is not a WBM file: it should read {{material: {{frame: {{structure, vasp_f}}}}}}.")
    frames = []
    for material, of_material in content.items():
        for name, entry in of_material.items():
            frames.append(_frame(entry, material, f"{path}, frame {len(frames) + 1} ({material}/{name})"))
    return frames


def _load(path: Path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        return json.load(stream)


def _frame(entry: dict, material: str, source: str) -> Frame:
    try:
        structure = entry["structure"]
        structure = json.loads(structure) if isinstance(structure, str) else structure
        cell = np.array(structure["lattice"]["matrix"], dtype=np.float64)
        sites = structure["sites"]
        numbers = np.array([atomic_numbers[_symbol(site)] for site in sites])
        positions = np.array([site["abc"] for site in sites], dtype=np.float64) @ cell
        forces = np.array(entry["vasp_f"], dtype=np.float64)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise SoftfixError(f"{source} lacks what a WBM frame needs: {error!r}.") from error
    if forces.shape != (len(numbers), 3):
        raise SoftfixError(f"{source}: forces have the shape {forces.shape}, but {len(numbers)} atoms need 3 each.")
    return Frame(numbers, positions, cell, np.ones(3, bool), forces=forces, config_type=material, source=source,
                 labels_from="vasp_f")  # fmt: skip


def _symbol(site: dict) -> str:
    species = site["species"]
    if len(species) != 1:
        raise ValueError("a site holds several elements")
    label = species[0]["element"]
    return "".join(character for character in label if character.isalpha())
