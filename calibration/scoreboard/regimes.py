"""Regime matrix: fit frames of one group (melt, vacancy, strain, surface), measure on each other group.

    python calibration/scoreboard/regimes.py DATA_FOLDER mlearn-Mo mlearn-Si --base chgnet

Softening depends on the regime, so what one teaches can be wrong for another. Rows: the group fitted (up to K frames of
the train file); columns: the group measured (test file); entries: force MAE over that of the base. Written to
regimes.json beside this script.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from softfix import screen
from softfix.bases import load_base
from softfix.benchmark import System, find_systems
from softfix.benchmark.systems import draw
from softfix.correct import corrected
from softfix.data.frames import Frame
from softfix.evaluations import evaluate_base
from softfix.files import atomic_path
from softfix.fitting import fit
from softfix.measure import measure

HERE = Path(__file__).parent


def matrix(system: System, base_spec: str, k: int, seed: int) -> dict[str, dict[str, float]]:
    """Ratio of force errors for every pair of groups of a system."""
    base = load_base(base_spec)
    train, test = (_groups(frames) for frames in (system.train_frames(), system.test_frames()))
    found: dict[str, dict[str, float]] = {}
    for fitted, frames in train.items():
        correction = fit(draw(frames, k, seed), base).correction
        found[fitted] = {}
        for measured, others in test.items():
            evaluations = evaluate_base(base, others)
            before = measure(others, evaluations).force_mae_eV_A
            after = measure(others, corrected(correction, others, base)).force_mae_eV_A
            found[fitted][measured] = float(after or 0.0) / float(before or 1.0)
    return found


def _groups(frames: list[Frame]) -> dict[str, list[Frame]]:
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[frame.config_type].append(frame)
    return dict(sorted(groups.items()))


def _show(name: str, found: dict[str, dict[str, float]]) -> None:
    table = Table(title=f"{name}: force MAE over that of the base; rows fitted, columns measured", title_justify="left")
    table.add_column("")
    for measured in next(iter(found.values())):
        table.add_column(measured, justify="right")
    for fitted, row in found.items():
        table.add_row(fitted, *(f"{value:.2f}" for value in row.values()))
    screen.console.print(table)


def main(
    folder: Annotated[Path, typer.Argument(help="Reference data.")],
    names: Annotated[list[str], typer.Argument(help="Systems with several config types.")],
    base: str = "chgnet",
    k: Annotated[int, typer.Option("-k")] = 5,
    seed: int = 0,
    output: Path = HERE / "regimes.json",
) -> None:
    """Print the matrix of each system and write all."""
    numbers = {}
    for system in find_systems(folder, names):
        numbers[system.name] = matrix(system, base, k, seed)
        _show(system.name, numbers[system.name])
        with atomic_path(output) as temporary:
            temporary.write_text(json.dumps({"base": base, "k": k, "seed": seed, "ratio": numbers}, indent=1))


if __name__ == "__main__":
    typer.run(main)
