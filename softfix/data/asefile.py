"""Extended XYZ and everything else that ASE reads."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

from ase.io import iread
from ase.io.formats import UnknownFileTypeError

from softfix.data.frames import Frame
from softfix.data.keys import LabelKeys
from softfix.data.labels import find, frame_of, keys_present
from softfix.errors import SoftfixError


def read(path: Path, keys: LabelKeys) -> list[Frame]:
    """All frames of a file that ASE knows, by its name or content; `.gz` too.

    Raises:
        SoftfixError: if ASE cannot read it, or an explicit key stands in no frame.
    """
    images = _images(path)
    _check_keys(path, images, keys)
    return [frame_of(atoms, keys, f"{path}, frame {number}") for number, atoms in enumerate(images, start=1)]


def _images(path: Path) -> list:
    images: list = []
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            for atoms in iread(path, index=":"):
                images.append(atoms)
    except UnknownFileTypeError as error:
        raise SoftfixError(
            f"{path} is not a structure file that softfix can read: its name and content fit no known format; "
            "give extended XYZ, a VASP, QE or GPAW output, phonopy or WBM JSON."
        ) from error
    except Exception as error:  # readers of ASE raise whatever a damaged file makes them stumble on
        where = f"after frame {len(images)}" if images else "at its beginning"
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise SoftfixError(f"{path} cannot be read {where} ({reason}): mend or recreate the file.") from error
    return images


def _check_keys(path: Path, images: list, keys: LabelKeys) -> None:
    for label, name in keys:
        if name and all(find(atoms, name) is None for atoms in images):
            present = ", ".join(sorted({key for atoms in images for key in keys_present(atoms)})) or "none"
            raise SoftfixError(f"{path} has no '{name}' for the {label} in any frame; the keys present are: {present}.")
