"""Extended XYZ, frame by frame, so that a damaged file is reported with the frame where it breaks."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from ase import Atoms
from ase.io.extxyz import key_val_str_to_dict, read_xyz
from ase.io.formats import open_with_compression

from softfix.data.frames import Frame
from softfix.data.keys import LabelKeys
from softfix.data.labels import frames_of
from softfix.data.reason import reason_of
from softfix.errors import SoftfixError

# ASE insists on 9 numbers under these, and would drop the lower triangle of a stress, however asymmetric.
TENSOR = re.compile(r"(?<!\S)(stress|virial)=")
ASIDE = "as-written-"


def read(path: Path, keys: LabelKeys) -> list[Frame]:
    """All frames of an extended XYZ file, also compressed (.gz, .bz2, .xz).

    Raises:
        SoftfixError: naming the frame where the file is damaged or ends early, or has no labels.
    """
    images = [_atoms(block, f"{path}, frame {number}") for number, block in enumerate(_blocks(path), start=1)]
    return frames_of(images, keys, path)


def _blocks(path: Path) -> Iterator[str]:
    """Text of one frame after another."""
    number = 1
    try:
        with open_with_compression(str(path), "rt") as stream:
            while count := _count_line(stream):
                yield _block(count, stream, f"{path}, frame {number}")
                number += 1
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise SoftfixError(
            f"{path} is damaged or cut short in frame {number} ({error}): mend it, or make the file anew."
        ) from error


def _count_line(stream: IO[str]) -> str:
    """Next line that is not blank; empty at the end."""
    return next((line for line in stream if line.strip()), "")


def _block(count: str, stream: IO[str], source: str) -> str:
    if not count.strip().isdecimal():
        raise SoftfixError(
            f"{source} should begin with its number of atoms but reads {count.strip()[:40]!r}: "
            "this is not a structure file that softfix can read, or it is damaged here."
        )
    atoms = int(count)
    lines = list(islice(stream, atoms + 1))
    if len(lines) < atoms + 1:
        raise SoftfixError(
            f"{source} ends after {max(len(lines) - 1, 0)} of {atoms} atoms: the file was cut short; make it anew."
        )
    return count + "".join(lines)


def _atoms(block: str, source: str) -> Atoms:
    try:
        [atoms] = read_xyz(io.StringIO(block), index=slice(None), properties_parser=_properties)
    except Exception as error:  # ASE raises whatever a damaged line makes it stumble on
        raise SoftfixError(f"{source} cannot be read ({reason_of(error)}): mend it or take it out.") from error
    atoms.info = _restore(atoms.info)
    return atoms


def _properties(line: str) -> dict[str, Any]:
    """Keys and values of a comment line, with the tensors kept out of ASE's hands as info of another name."""
    return key_val_str_to_dict(TENSOR.sub(rf"{ASIDE}\1=", line))


def _restore(info: dict[str, Any]) -> dict[str, Any]:
    """Info with the names, and texts that happened to hold one, as they were written."""
    return {
        key.replace(ASIDE, ""): value.replace(ASIDE, "") if isinstance(value, str) else value
        for key, value in info.items()
    }
