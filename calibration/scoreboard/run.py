"""The scoreboard: every method, base and system of the reference data, at every size, over random draws.

    python calibration/scoreboard/run.py DATA_FOLDER --base chgnet -k 1 -k 5 -k 10 --draws 3 --workers 2

DATA_FOLDER holds NAME-train and NAME-test files, and gpaw/NAME.extxyz files, which are split here; of a folder without
pairs, as calibration/data is, all NAME.extxyz files are. Results are added to results.jsonl beside this script, a line
per cell; a run that was stopped goes on where it was. From-scratch peers take part where their environments are named:
--peers FOLDER --method gap. `page.py` makes the page of tables and the figure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from peer import methods

from softfix import screen
from softfix.benchmark import METHODS, Plan, System, find_systems, run, summary
from softfix.data import read_frames, write_frames
from softfix.files import cache_folder

HERE = Path(__file__).parent
GPAW = ("BaTiO3", "CaMgO", "HfO2", "PbTiO3", "Si", "ZrO2")  # our own sets with frames enough for two halves
UNSEEN = "mpf-TP"  # train and test share no formula: see formulas.py
REFERENCES = (
    "-line",
    "-phonon",
    "-relaxed",
    "-wall",
)  # ends of the names of sets that are measured alone


def systems(folder: Path) -> list[System]:
    """All pairs of files, and halves of the GPAW sets; in a folder without pairs halves of every file.

    Raises:
        SoftfixError: if there are neither.
    """
    own = [
        path for path in sorted(folder.glob("*.extxyz")) if path.stem not in GPAW and not path.stem.endswith(REFERENCES)
    ]
    if own and not any(folder.glob("*-train.*")):
        return [halves(path, f"own-{path.stem}") for path in own]
    pairs = [system for system in find_systems(folder) if system.name != UNSEEN]
    whole = {name: folder / "gpaw" / f"{name}.extxyz" for name in GPAW}
    return pairs + [halves(path, f"gpaw-{name}") for name, path in whole.items() if path.is_file()]


def halves(path: Path, name: str) -> System:
    """Split a file at random, seed 0: the same halves wherever it is done."""
    folder = cache_folder() / "scoreboard"
    system = System(name, folder / f"{name}-train.extxyz", folder / f"{name}-test.extxyz")
    frames = read_frames(path)
    order = np.random.default_rng(0).permutation(len(frames))
    half = (len(frames) + 1) // 2
    write_frames(system.train, [frames[i] for i in sorted(order[:half])])
    write_frames(system.test, [frames[i] for i in sorted(order[half:])])
    return system


def main(
    folder: Annotated[Path, typer.Argument(help="Reference data.")],
    base: Annotated[list[str], typer.Option()] = ["chgnet"],  # noqa: B006  # typer reads, never changes it
    size: Annotated[list[int], typer.Option("-k", "--size")] = [1, 2, 5, 10, 20],  # noqa: B006
    draws: int = 5,
    method: Annotated[list[str], typer.Option()] = list(METHODS),  # noqa: B006
    system: Annotated[list[str] | None, typer.Option(help="Only these.")] = None,
    workers: int = 1,
    again: Annotated[list[str] | None, typer.Option(help="Methods to measure anew.")] = None,
    results: Path = HERE / "results.jsonl",
    peer_folder: Annotated[Path | None, typer.Option("--peers", help="Environments made by peers/setup.sh.")] = None,
) -> None:
    """Measure what is missing, then print the tables."""
    chosen = [each for each in systems(folder) if not system or each.name in system]
    with screen.progress("cells") as track:
        store = run(chosen, Plan(base, method, size, draws), results, workers, again or (), track, methods(peer_folder))
    for spec in base:
        screen.benchmark(summary(store.results.values(), spec))


if __name__ == "__main__":
    typer.run(main)
