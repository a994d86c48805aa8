"""Options that several commands share, and the files that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Frames = Annotated[list[Path], typer.Argument(help="Labelled frames: extended XYZ (.gz), vasprun.xml, phonopy, ...")]
BaseSpec = Annotated[
    str | None, typer.Option("--base", help="chgnet, matgl:<folder>, mace:<file>, package.module:factory.")
]
Processes = Annotated[int, typer.Option("--workers", min=1, help="Processes, one thread each, that run the base.")]


def read_structures(paths: list[Path]) -> Any:
    """Frames whose labels, if any, do not matter."""
    from softfix.data import LabelKeys, read_frames

    return read_frames(paths, LabelKeys(required=False), float("inf"))


def write_json(path: Path, numbers: Any) -> None:
    """All numbers of a model of measures or findings, in one file."""
    from softfix.files import atomic_path

    with atomic_path(path) as temporary:
        temporary.write_text(numbers.model_dump_json(indent=2), encoding="utf-8")
