"""The command that makes frames to label from crystal structures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from softfix.cli.options import BaseSpec, read_structures
from softfix.cli.root import app
from softfix.errors import SoftfixError


@app.command()
def sample(
    structures: Annotated[list[Path], typer.Argument(help="Crystals: CIF, POSCAR, extended XYZ, whatever ASE reads.")],
    recipe: Annotated[str, typer.Option(help="high-energy, minimalist, strain, phonon or path.")],
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many frames to choose.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Frames to label, best first (.extxyz).")],
    base: BaseSpec = None,
    correction: Annotated[Path | None, typer.Option(help="Correction file: what is known already.")] = None,
    temperature: Annotated[list[float] | None, typer.Option(help="K, of high-energy; repeat.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all random numbers.")] = 0,
    config: Annotated[Path | None, typer.Option(help="Settings of the recipes in TOML, JSON or YAML.")] = None,
) -> None:
    """Make structures to label: hot, shaken, strained, between phases; choose those that tell most."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.calculator import CorrectedCalculator
    from softfix.correction import load_correction
    from softfix.data import write_frames
    from softfix.sample import SampleSettings
    from softfix.sample import sample as make
    from softfix.settings import read_settings

    if base and correction:
        raise SoftfixError("Give --base SPEC or --correction FILE, which names its own base, not both.")
    settings = read_settings(config, SampleSettings) if config else SampleSettings()
    if temperature:
        settings = settings.heated(temperature)
    known = load_correction(correction) if correction else None
    potential = load_base(base).calculator if base else None
    if known is not None:
        potential = lambda: CorrectedCalculator(known.base.spec, known)  # noqa: E731
    with screen.progress("candidates") as track:
        made = make(read_structures(structures), recipe, number, potential, seed, settings, known, track=track)
    write_frames(output, made.frames)
    screen.say("\n".join([*made.notes, f"{made.status} Wrote {output}."]))
