"""The command that looks for faults in data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from softfix.cli.labels import Labels, reads_labels
from softfix.cli.options import BaseSpec, Frames, write_json
from softfix.cli.root import app


@app.command()
@reads_labels
def check(
    data: Frames,
    base: BaseSpec = None,
    test: Annotated[Path | None, typer.Option(help="Test frames: are they among the others?")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all findings to this file.")] = None,
    *,
    labels: Labels,
) -> None:
    """Look for what is wrong with DFT frames; exit status 1 if a finding is certain, else 0."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.data.read import read_unchecked
    from softfix.doctor import examine

    held = read_unchecked(test, labels.keys) if test else []
    with screen.progress("base") as track:
        found = examine(
            read_unchecked(data, labels.keys), load_base(base) if base else None, held, labels.max_force, track
        )
    if json_file:
        write_json(json_file, found)
    screen.findings(found)
    if found.certain:
        raise typer.Exit(1)
