"""Commands that set a correction beside its peers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from softfix.cli.labels import Labels, reads_labels
from softfix.cli.options import Frames
from softfix.cli.root import app


@app.command()
@reads_labels
def finetune(
    train: Frames,
    base: Annotated[str, typer.Option("--base", help="chgnet, matgl:<folder> or mace:<file>.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the trained potential.")],
    validation: Annotated[Path | None, typer.Option(help="Frames to choose the best epoch by.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings in TOML, JSON or YAML.")] = None,
    *,
    labels: Labels,
) -> None:
    """Train all weights of a base on DFT frames: the peer of a correction, and a base itself."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.finetune import FinetuneSettings
    from softfix.finetune import finetune as train_all
    from softfix.settings import read_settings

    settings = read_settings(config, FinetuneSettings) if config else FinetuneSettings()
    frames, held = labels.read(train), labels.read([validation]) if validation else []
    with screen.progress("updates") as track:
        result = train_all(frames, load_base(base), output, settings, held, track=track)
    screen.say(f"{result.status} Evaluate it with: softfix evaluate TEST --base {result.spec}")


benchmarks = typer.Typer(help="Measure methods side by side on your own frames.", no_args_is_help=True)
app.add_typer(benchmarks, name="benchmark")


@benchmarks.command("few-shot")
def few_shot(
    folder: Annotated[Path, typer.Argument(help="Folder of NAME-train.extxyz and NAME-test.extxyz (.gz) pairs.")],
    base: Annotated[list[str], typer.Option("--base", help="Potentials to correct; repeat it for several.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File of results; read first and added to.")],
    size: Annotated[list[int] | None, typer.Option("-k", "--size", help="Training frames; repeat.")] = None,
    draws: Annotated[int, typer.Option(min=1, help="Random draws of training frames.")] = 5,
    method: Annotated[list[str] | None, typer.Option(help="base, scalar, softfix, finetune; repeat.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only these; repeat.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one thread each.")] = 1,
    again: Annotated[list[str] | None, typer.Option(help="Methods to measure anew; repeat.")] = None,
) -> None:
    """Force error over that of the base for 1, 2, 5, 10, 20 training frames, over random draws."""
    from softfix import screen
    from softfix.benchmark import Plan, find_systems, run, summary

    plan = Plan(base, method or ["base", "scalar", "softfix"], size or [1, 2, 5, 10, 20], draws)
    with screen.progress("cells") as track:
        store = run(find_systems(folder, system), plan, output, workers, again or (), track)
    for spec in base:
        screen.benchmark(summary(store.results.values(), spec))
