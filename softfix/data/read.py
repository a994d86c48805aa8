"""From files to checked frames: one table of readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from softfix.data.check import MAX_FORCE, check_frames
from softfix.data.frames import Frame
from softfix.data.keys import LabelKeys
from softfix.errors import SoftfixError


def read_frames(
    paths: Sequence[str | Path] | str | Path, keys: LabelKeys | None = None, max_force: float = MAX_FORCE
) -> list[Frame]:
    """Labelled frames of one or more files, in their order, checked.

    Args:
        paths: extended XYZ (also .gz), a phonopy yaml or FORCE_SETS, WBM JSON, or anything that ASE reads.
        keys: explicit names of the labels; by default REF_energy, REF_forces, REF_stress or REF_virials, and
            where those are absent the calculator results, the free energy before the energy.
        max_force: largest believable force in eV/Å.

    Raises:
        SoftfixError: naming file, frame and value, for whatever cannot be used.
    """
    frames = read_unchecked(paths, keys)
    check_frames(frames, max_force)
    return frames


def read_unchecked(paths: Sequence[str | Path] | str | Path, keys: LabelKeys | None = None) -> list[Frame]:
    """Labelled frames of one or more files as they stand there, for the doctor, who tells all faults at once.

    Raises:
        SoftfixError: for a file or label that cannot be read.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    if not paths:
        raise SoftfixError("No file of frames is given: name at least one.")
    return [frame for path in paths for frame in _read(Path(path), keys or LabelKeys())]


def _read(path: Path, keys: LabelKeys) -> list[Frame]:
    _check_file(path)
    reader = next((reader for fits, reader in READERS if fits(path.name)), _read_ase)
    frames = reader(path, keys)
    if not frames:
        raise SoftfixError(f"{path} holds no frames: make the file anew, or leave it out.")
    return frames


def _check_file(path: Path) -> None:
    if not path.exists():
        raise SoftfixError(f"{path} does not exist: check the path (the working folder is {Path.cwd()}).")
    if path.is_dir():
        raise SoftfixError(f"{path} is a folder, not a file: name the files in it.")
    try:
        with path.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as error:
        raise SoftfixError(f"{path} cannot be opened ({error.strerror}): check its permissions.") from error
    if empty:
        raise SoftfixError(f"{path} is empty: make the file anew, or leave it out.")


def _read_phonopy(path: Path, keys: LabelKeys) -> list[Frame]:
    from softfix.data import phonopy

    _check_no_keys(path, keys)
    return phonopy.read(path)


def _read_json(path: Path, keys: LabelKeys) -> list[Frame]:
    from softfix.data import wbm

    frames = wbm.read(path)
    if frames is None:
        return _read_ase(path, keys)
    _check_no_keys(path, keys)
    return frames


def _read_extxyz(path: Path, keys: LabelKeys) -> list[Frame]:
    from softfix.data import extxyz

    return extxyz.read(path, keys)


def _read_ase(path: Path, keys: LabelKeys) -> list[Frame]:
    from softfix.data import asefile

    return asefile.read(path, keys)


def _check_no_keys(path: Path, keys: LabelKeys) -> None:
    for label, key in keys.given.items():
        raise SoftfixError(
            f"{path} has no '{key}' for the {label}: its format has its own key for forces, and no other "
            "label; read it without explicit keys."
        )


def _ends(*endings: str) -> Callable[[str], bool]:
    every = tuple(ending + packed for ending in endings for packed in ("", ".gz", ".bz2", ".xz"))
    return lambda name: name.lower().endswith(every)


READERS: tuple[tuple[Callable[[str], bool], Callable[[Path, LabelKeys], list[Frame]]], ...] = (
    (_ends(".xyz", ".extxyz"), _read_extxyz),
    (_ends(".yaml", ".yml"), _read_phonopy),
    (lambda name: "FORCE_SETS" in name, _read_phonopy),
    (_ends(".json"), _read_json),
)  # by file name; every other file is ASE's to recognise
