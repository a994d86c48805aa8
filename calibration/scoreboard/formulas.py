"""Few-shot correction per formula, over many chemistries: two frames of each to draw from, the others to measure on.

    python calibration/scoreboard/formulas.py DATA_FOLDER/mpf-TP-train.extxyz.gz --base chgnet --most 30

The frames are 2 to 20 atoms at 0 to 5000 K and up to 1000 GPa. Prints what each method gives over all formulas; results
are added to formulas.jsonl beside this script. Formulas never seen need no run: without frames there is no correction,
and the base is left as it is.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from ase.symbols import Symbols

from softfix import screen
from softfix.benchmark import Plan, System, run, summary
from softfix.data import read_frames, write_frames
from softfix.data.frames import Frame
from softfix.files import cache_folder

HERE = Path(__file__).parent
LEAST = 4  # frames of a formula: two to draw from, two to measure on


def systems(path: Path, most: int) -> list[System]:
    """One system per formula that has frames enough, in random order, seed 0."""
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in read_frames(path):
        groups[Symbols(frame.numbers).get_chemical_formula(empirical=True)].append(frame)
    names = sorted(name for name, frames in groups.items() if len(frames) >= LEAST)
    rng = np.random.default_rng(0)
    return [_split(name, groups[name], rng) for name in rng.permutation(names)[:most]]


def _split(name: str, frames: list[Frame], rng: np.random.Generator) -> System:
    folder = cache_folder() / "scoreboard" / "formulas"
    system = System(name, folder / f"{name}-train.extxyz", folder / f"{name}-test.extxyz")
    order = rng.permutation(len(frames))
    write_frames(system.train, [frames[i] for i in order[:2]])
    write_frames(system.test, [frames[i] for i in order[2:]])
    return system


def main(
    path: Annotated[Path, typer.Argument(help="File of frames of many formulas.")],
    base: str = "chgnet",
    most: Annotated[int, typer.Option(help="Formulas at most.")] = 30,
    workers: int = 1,
    results: Path = HERE / "formulas.jsonl",
) -> None:
    """Measure what is missing, then print a line per method and size."""
    plan = Plan([base], ["base", "scalar", "softfix"], [1, 2], draws=1)
    with screen.progress("cells") as track:
        store = run(systems(path, most), plan, results, workers, track=track)
    for column in summary(store.results.values(), base).columns:
        worst = f"worst {column.worst:.2f} ({column.worst_system})"
        mean = f"geometric mean {column.geometric_mean:.3f}"
        typer.echo(f"{column.method} k = {column.k}: {mean}, {worst}, {column.systems} formulas")


if __name__ == "__main__":
    typer.run(main)
