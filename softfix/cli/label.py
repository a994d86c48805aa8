"""Commands that get DFT labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from softfix.cli.options import (
    read_structures,
)
from softfix.cli.root import app
from softfix.errors import SoftfixError


@app.command()
def label(
    structures: Annotated[list[Path], typer.Argument(help="Structures to label; labels that they have are dropped.")],
    calculator: Annotated[str, typer.Option(help="gpaw, espresso, vasp, or package.module:factory.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Labelled frames (.extxyz); made anew in every run.")],
    config: Annotated[Path | None, typer.Option(help="Settings of the calculator in YAML, TOML or JSON.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes of one thread each; jobs with --slurm.")] = 1,
    scheduler: Annotated[str | None, typer.Option(help="Address of a dask scheduler.")] = None,
    slurm: Annotated[bool, typer.Option(help="SLURM jobs as ~/.config/dask/jobqueue.yaml describes them.")] = False,
    retry: Annotated[bool, typer.Option(help="Compute frames again that failed before.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would be done and how long it takes; write nothing.")] = False,
) -> None:
    """Label structures by DFT; a run that was stopped goes on where it was."""
    from softfix import screen
    from softfix.label import Workers, estimate, label_frames, load_protocol

    protocol, who = load_protocol(calculator, config), Workers(workers, scheduler, slurm)
    frames = read_structures(structures)
    if dry_run:
        screen.estimate(estimate(frames, protocol, output, workers, retry), protocol.level)
        return
    with screen.progress("frames") as track:
        summary = label_frames(frames, protocol, output, who, retry, track)
    screen.say(" ".join([*summary.notes, summary.status]))
    if summary.failure:
        raise SoftfixError(summary.failure)


@app.command()
def collect(
    jobs: Annotated[Path, typer.Argument(help="Folder with a folder of input and output files per frame.")],
    inputs: Annotated[list[Path] | None, typer.Option(help="Write inputs for these structures; repeat.")] = None,
    calculator: Annotated[str, typer.Option(help="vasp or espresso, with --inputs.")] = "vasp",
    config: Annotated[Path | None, typer.Option(help="Settings of the calculator, with --inputs.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Labelled frames to write (.extxyz).")] = None,
) -> None:
    """Write VASP or Quantum ESPRESSO inputs to be run elsewhere; collect the results that came back."""
    from softfix import screen
    from softfix.label import collect as collect_results
    from softfix.label import load_protocol, write_inputs

    if bool(inputs) == bool(output):
        raise SoftfixError("Give --inputs FRAMES to write inputs, or -o FILE to collect results.")
    if inputs:
        made = write_inputs(read_structures(inputs), load_protocol(calculator, config), jobs)
        screen.say(f"Wrote inputs into {made} new folders in {jobs}; once they are run: softfix collect {jobs} -o FILE")
    if output:
        screen.say(collect_results(jobs, output).status)
