"""Frames to extended XYZ."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from ase.io.extxyz import key_val_dict_to_str

from softfix.data.frames import Frame
from softfix.errors import SoftfixError
from softfix.files import atomic_path


def write_frames(path: str | Path, frames: Sequence[Frame]) -> None:
    """Write frames with REF_* labels as extended XYZ, the whole file or nothing; a name in .gz is compressed.

    Lengths in Å, REF_energy in eV, REF_forces in eV/Å, REF_stress in eV/Å^3 (Voigt xx yy zz yz xz xy, tension
    positive). Every number is written to its last digit, so reading gives the same frames.

    Raises:
        SoftfixError: for a frame whose forces are differences against a reference: the format cannot say so.
    """
    text = "".join(map(_block, frames))
    with atomic_path(path) as temporary:
        content = text.encode("utf-8")
        temporary.write_bytes(gzip.compress(content, mtime=0) if Path(path).suffix == ".gz" else content)


def _block(frame: Frame) -> str:
    if frame.reference is not None:
        raise SoftfixError(
            f"{frame.source} holds differences against a perfect structure, which extended XYZ cannot say: "
            "keep it in its phonopy files."
        )
    columns = [frame.positions] if frame.forces is None else [frame.positions, frame.forces]
    symbols = [chemical_symbols[number] for number in frame.numbers]
    rows = [f"{symbol:<2} {_row(values)}\n" for symbol, values in zip(symbols, np.hstack(columns), strict=True)]
    return f"{len(frame)}\n{_comment(frame)}\n{''.join(rows)}"


def _row(values: np.ndarray) -> str:
    return " ".join(map(repr, values.tolist()))


def _comment(frame: Frame) -> str:
    properties = "species:S:1:pos:R:3" + ("" if frame.forces is None else ":REF_forces:R:3")
    info = {"REF_energy": frame.energy, "REF_stress": frame.stress, "config_type": frame.config_type,
            "level": frame.level, **frame.provenance, "pbc": frame.pbc}  # fmt: skip
    labels = key_val_dict_to_str({key: value for key, value in info.items() if value is not None})
    lattice = f'Lattice="{_row(frame.cell.ravel())}" ' if frame.cell.any() else ""
    return f"{lattice}Properties={properties} {labels}"
