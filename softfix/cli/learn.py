"""The command that learns on the fly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from softfix.cli.options import read_structures
from softfix.cli.root import app
from softfix.errors import SoftfixError


@app.command()
def learn(
    structure: Annotated[Path, typer.Argument(help="A crystal that DFT can do; the first structure of the file.")],
    base: Annotated[str, typer.Option("--base", help="The potential to correct, e.g. chgnet.")],
    calculator: Annotated[str, typer.Option(help="gpaw, espresso, vasp, or package.module:factory.")],
    steps: Annotated[int, typer.Option(min=1, help="Of dynamics, those of a run that is gone on with included.")],
    max_labels: Annotated[int, typer.Option(min=1, help="Most calls of DFT.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run; goes on there after a kill.")],
    temperature: Annotated[float, typer.Option(help="K.")] = 300.0,
    pressure: Annotated[float | None, typer.Option(help="GPa: the cell moves too (NPT). Without it, NVT.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all random numbers.")] = 0,
    config: Annotated[Path | None, typer.Option(help="When to label, in TOML, JSON or YAML.")] = None,
    label_config: Annotated[Path | None, typer.Option(help="Settings of the calculator.")] = None,
    fit_config: Annotated[Path | None, typer.Option(help="Settings of the fits.")] = None,
) -> None:
    """Run dynamics, ask DFT when the correction is unsure, fit anew, go on."""
    from softfix import screen
    from softfix.dynamics import Conditions
    from softfix.label import load_protocol
    from softfix.learn import LearnSettings
    from softfix.learn import learn as run
    from softfix.settings import read_settings

    if temperature <= 0.0:
        raise SoftfixError(f"A temperature of {temperature:g} K is not above zero: give kelvins.")
    settings = read_settings(config, LearnSettings) if config else LearnSettings()
    fits = read_settings(fit_config) if fit_config else None
    conditions = Conditions(temperature=temperature, pressure=pressure)
    start = read_structures([structure])[0]
    with screen.progress("checkpoints") as track:
        done = run(start, base, load_protocol(calculator, label_config), output, steps, max_labels, conditions,
                   settings, fits, seed, track)  # fmt: skip
    screen.learned(done)
    if done.correction is not None:
        done.correction.save(output / "learned.softfix")
        screen.say(f"Wrote {output / 'learned.softfix'} and {output / 'labelled.extxyz'}.")
    if done.stopped:
        raise SoftfixError(f"{done.stopped} Lower the temperature, or give a larger cell; labels are kept in {output}.")
