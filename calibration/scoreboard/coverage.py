"""Error bars against errors on test frames of every system, at several sizes.

    python calibration/scoreboard/coverage.py DATA_FOLDER --base chgnet -k 1 -k 5 -k 10 --draws 2

Prints, per system and size, the share of force components within one and two standard deviations (0.683 and 0.954 of a
normal distribution) and the rank correlation of error and error bar over atoms, means over draws; the same shares of
energies (after a composition offset) and of stresses, of all errors of all draws. Of each test file at most MOST
frames, evenly spaced, are measured. Lines are added to coverage.jsonl beside this script; what it holds, made with
the same settings, is not measured again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table
from run import systems

from softfix import screen
from softfix.bases import load_base
from softfix.benchmark import METHODS, System
from softfix.benchmark.systems import draw
from softfix.coverage import coverage
from softfix.fitting import fit
from softfix.lines import Lines

HERE = Path(__file__).parent
MOST = 20


def measured(system: System, base, k: int, seed: int) -> dict | None:
    """Coverage of one draw; None where there are too few frames."""
    train, test = system.train_frames(), system.test_frames()
    if k > len(train) or (k == len(train) and seed > 0):
        return None
    chosen = [test[i] for i in np.unique(np.linspace(0, len(test) - 1, min(MOST, len(test))).astype(int))]
    found = coverage(fit(draw(train, k, seed), base).correction, chosen, base)
    return None if found is None else found.model_dump()


def latest(lines: list[dict], base: str) -> dict[tuple[str, int, int], dict]:
    """The last line of every system, size and draw."""
    return {(line["system"], line["k"], line["seed"]): line for line in lines if line["base"] == base}


def main(
    folder: Annotated[Path, typer.Argument(help="Reference data.")],
    base: str = "chgnet",
    size: Annotated[list[int], typer.Option("-k", "--size")] = [1, 5, 10],  # noqa: B006  # typer reads, never changes it
    draws: int = 2,
    system: Annotated[list[str] | None, typer.Option(help="Only these.")] = None,
    results: Path = HERE / "coverage.jsonl",
) -> None:
    """Measure what is missing, then print the table."""
    store, potential = Lines(results), load_base(base)
    digest, done = METHODS["softfix"].digest(potential.identity.family), latest(store.read(), base)
    cells = [
        (each, k, seed)
        for seed in range(draws)
        for k in size
        for each in systems(folder)
        if (not system or each.name in system) and done.get((each.name, k, seed), {}).get("settings") != digest
    ]
    with screen.progress("draws") as track:
        for each, k, seed in track(cells):
            if found := measured(each, potential, k, seed):
                key = {"system": each.name, "base": base, "k": k, "seed": seed, "settings": digest}
                store.add(json.dumps(key | found))
    _show(list(latest(store.read(), base).values()), base)


def _shares(lines: list[dict], label: str) -> str:
    known = [line[label] for line in lines if line.get(label)]
    if not known:
        return "-"
    number = sum(each["number"] for each in known)
    return " ".join(f"{sum(e['number'] * e[key] for e in known) / number:.2f}" for key in ("one_sigma", "two_sigma"))


def _show(lines: list[dict], base: str) -> None:
    title = f"{base}: forces within one and two standard deviations, rank correlation; energies; stresses"
    table = Table(title=title, title_justify="left")
    sizes = sorted({line["k"] for line in lines})
    table.add_column("system")
    for k in sizes:
        table.add_column(f"k = {k}", justify="right", no_wrap=True)
    for name in [*sorted({line["system"] for line in lines}), "mean"]:
        row = []
        for k in sizes:
            mine = [line for line in lines if line["k"] == k and name in (line["system"], "mean")]
            ranks = [line["spearman"] for line in mine if line["spearman"] is not None]
            one, two = (np.mean([line[key] for line in mine] or [np.nan]) for key in ("one_sigma", "two_sigma"))
            others = [_shares(mine, label) for label in ("energies", "stresses")]
            row.append("; ".join([f"{one:.2f} {two:.2f} {np.mean(ranks or [np.nan]):.2f}", *others]))
        table.add_row(name, *row)
    screen.console.print(table)


if __name__ == "__main__":
    typer.run(main)
