"""Options that several commands share, and the files that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Frames = Annotated[list[Path], typer.Argument(help="Labelled frames: extended XYZ (.gz), vasprun.xml, phonopy, ...")]
BaseSpec = Annotated[
    str | None, typer.Option("--base", help="chgnet, matgl:<folder>, mace:<file>, package.module:factory.")
]
EnergyKey = Annotated[str | None, typer.Option(help="Key of the energy (eV).")]
ForcesKey = Annotated[str | None, typer.Option(help="Key of the forces (eV/Å).")]
StressKey = Annotated[str | None, typer.Option(help="Key of the stress (eV/Å^3, tension positive).")]
VirialsKey = Annotated[str | None, typer.Option(help="Key of the virials (eV, minus dE/dstrain).")]
MaxForce = Annotated[float, typer.Option(help="Largest believable force in eV/Å.")]


def label_keys(energy: str | None, forces: str | None, stress: str | None, virials: str | None) -> Any:
    """The keys given, the usual ones where none is."""
    from softfix.data import LabelKeys

    return LabelKeys(energy=energy, forces=forces, stress=stress, virials=virials)


def read(
    paths: list[Path],
    energy: str | None,
    forces: str | None,
    stress: str | None,
    virials: str | None,
    max_force: float,
) -> Any:
    """Labelled frames of several files, checked."""
    from softfix.data import read_frames

    return read_frames(paths, label_keys(energy, forces, stress, virials), max_force)


def read_structures(paths: list[Path]) -> Any:
    """Frames whose labels, if any, do not matter."""
    from softfix.data import LabelKeys, read_frames

    return read_frames(paths, LabelKeys(required=False), float("inf"))


def write_json(path: Path, numbers: Any) -> None:
    """All numbers of a model of measures or findings, in one file."""
    from softfix.files import atomic_path

    with atomic_path(path) as temporary:
        temporary.write_text(numbers.model_dump_json(indent=2), encoding="utf-8")
