"""From files to checked frames: one table of readers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from softfix.data.check import MAX_FORCE, check_frames
from softfix.data.frames import Frame
from softfix.data.keys import LabelKeys
from softfix.errors import SoftfixError


def read_frames(
    paths: Sequence[str | Path] | str | Path, keys: LabelKeys | None = None, max_force: float = MAX_FORCE
) -> list[Frame]:
    """Labelled frames of one or more files, checked.

    Args:
        paths: extended XYZ (also .gz), phonopy files, WBM JSON, or anything that ASE reads.
        keys: explicit names of the labels; see `LabelKeys`.
        max_force: largest believable force in eV/Å.

    Raises:
        SoftfixError: naming file, frame and value, for whatever cannot be used.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    frames = [frame for path in paths for frame in _read(Path(path), keys or LabelKeys())]
    check_frames(frames, max_force)
    return frames


def _read(path: Path, keys: LabelKeys) -> list[Frame]:
    if not path.exists():
        raise SoftfixError(f"{path} does not exist: check the path (the working folder is {Path.cwd()}).")
    if path.is_dir():
        raise SoftfixError(f"{path} is a folder: name the files in it.")
    if path.stat().st_size == 0:
        raise SoftfixError(f"{path} is empty.")
    frames = _reader(path, keys)
    if not frames:
        raise SoftfixError(f"{path} holds no frames.")
    unlabelled = [frame for frame in frames if frame.forces is None and frame.energy is None and frame.stress is None]
    if unlabelled:
        raise SoftfixError(
            f"{unlabelled[0].source} has no energy, forces or stress under any known key; the keys present are: "
            f"{_keys_of(path)}. Name them with --energy-key, --forces-key, --stress-key or --virials-key."
        )
    return frames


def _reader(path: Path, keys: LabelKeys) -> list[Frame]:
    from softfix.data import asefile, phonopy, wbm

    if phonopy.is_phonopy(path):
        return phonopy.read(path)
    if wbm.is_wbm(path):
        return wbm.read(path)
    return asefile.read(path, keys)


def _keys_of(path: Path) -> str:
    from softfix.data.asefile import _images
    from softfix.data.labels import keys_present

    return ", ".join(sorted({key for atoms in _images(path) for key in keys_present(atoms)})) or "none"
