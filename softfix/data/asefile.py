"""Whatever ASE reads: vasprun.xml, OUTCAR, Quantum ESPRESSO, GPAW, trajectories and more."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

from ase import Atoms
from ase.io import iread
from ase.io.formats import UnknownFileTypeError, filetype, ioformats, open_with_compression

from softfix.data import extxyz
from softfix.data.frames import Frame
from softfix.data.keys import LabelKeys
from softfix.data.labels import frames_of
from softfix.data.reason import reason_of
from softfix.errors import SoftfixError


def read(path: Path, keys: LabelKeys) -> list[Frame]:
    """All frames of a file that ASE knows by its name or content, with the calculator results as labels.

    Raises:
        SoftfixError: if ASE does not know the file or cannot read it, or a frame has no labels.
    """
    kind = _kind(path)
    if kind in ("extxyz", "xyz"):
        return extxyz.read(path, keys)
    images = _images(path, kind)
    if not images:
        raise SoftfixError(f"{path} is not a structure file that softfix can read: as {kind} it holds no structure.")
    return frames_of(images, keys, path)


def _kind(path: Path) -> str:
    """ASE's name of the format; extended XYZ is known by its first line under any name."""
    try:
        kind = filetype(str(path))
        if kind in ioformats:
            return kind
        with open_with_compression(str(path), "rb") as stream:
            if stream.readline(100).strip().isdigit():
                return "extxyz"
    except (UnknownFileTypeError, OSError, EOFError):
        pass
    raise SoftfixError(
        f"{path} is not a structure file that softfix can read: its name and content fit no known format; "
        "give extended XYZ, output of VASP, Quantum ESPRESSO or GPAW, a phonopy yaml or WBM JSON."
    )


def _images(path: Path, kind: str) -> list[Atoms]:
    images: list[Atoms] = []
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # some of ASE's readers talk about matters of no use here
            for atoms in iread(str(path), index=":", format=kind, do_not_split_by_at_sign=True):
                images.append(atoms)
    except Exception as error:  # ASE raises whatever a damaged file makes it stumble on
        where = f" after frame {len(images)}" if images else ""
        raise SoftfixError(
            f"{path} is not a structure file that softfix can read: as {kind} it does not read{where} "
            f"({reason_of(error)}); mend it, or make the file anew."
        ) from error
    return images
