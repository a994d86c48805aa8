"""The command that looks for faults in data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from softfix.cli.options import (
    BaseSpec,
    EnergyKey,
    ForcesKey,
    Frames,
    MaxForce,
    StressKey,
    VirialsKey,
    label_keys,
    write_json,
)
from softfix.cli.root import app


@app.command()
def check(
    data: Frames,
    base: BaseSpec = None,
    test: Annotated[Path | None, typer.Option(help="Test frames: are they among the others?")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all findings to this file.")] = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virials_key: VirialsKey = None,
    max_force: MaxForce = 50.0,
) -> None:
    """Look for what is wrong with DFT frames; exit status 1 if a finding is certain, else 0."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.data.read import read_unchecked
    from softfix.doctor import examine

    keys = label_keys(energy_key, forces_key, stress_key, virials_key)
    held = read_unchecked(test, keys) if test else []
    with screen.progress("base") as track:
        found = examine(read_unchecked(data, keys), load_base(base) if base else None, held, max_force, track)
    if json_file:
        write_json(json_file, found)
    screen.findings(found)
    if found.certain:
        raise typer.Exit(1)
