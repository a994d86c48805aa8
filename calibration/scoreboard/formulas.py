"""Few-shot correction per formula, over many chemistries: two frames of each to draw from, the others to measure on.

    python calibration/scoreboard/formulas.py DATA_FOLDER/mpf-TP-train.extxyz.gz --base chgnet --most 30

The frames are 2 to 20 atoms at 0 to 5000 K and up to 1000 GPa. Results are added to formulas.jsonl beside this script;
what it holds is not measured again. The page goes to formulas.md, the distribution of the softening slope (Deng et al.
2025, doi:10.1038/s41524-024-01500-6) to formulas.svg. Formulas never seen need no run: without frames there is no
correction, and the base is left as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from ase.symbols import Symbols

from softfix import screen
from softfix.benchmark import Plan, Summary, System, run, summary
from softfix.benchmark.cells import Result
from softfix.data import read_frames, write_frames
from softfix.data.frames import Frame
from softfix.files import atomic_path, cache_folder
from softfix.svg import drawing

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


PAGE = """# Formula by formula, {base}

`python calibration/scoreboard/formulas.py FILE --base {base}`: {formulas} formulas of the file. One or two random
frames of each are fitted; the slope of predicted against DFT force components and the force MAE over the base's are
measured on its other frames.

| method | k | formulas | median slope | 5 to 95 % | mean of abs(slope - 1) | force MAE, mean | better | worst |
|---|---|---|---|---|---|---|---|---|
{rows}

![Distribution of the slope over formulas](formulas.svg)
"""


class Slopes(NamedTuple):
    """Slopes of one method at one size, formula by formula."""

    method: str
    k: int
    values: np.ndarray

    @property
    def label(self) -> str:
        """Name in the figure."""
        return self.method if self.method == "base" else f"{self.method}, k = {self.k}"

    def row(self) -> str:
        """Start of a line of the table."""
        low, high = np.percentile(self.values, [5, 95])
        start = f"| {self.method} | {self.k} | {len(self.values)} | {np.median(self.values):.3f}"
        return f"{start} | {low:.2f} to {high:.2f} | {np.abs(self.values - 1.0).mean():.3f} |"


def slopes_of(results: Iterable[Result], base: str) -> list[Slopes]:
    """Of every method at every size, in the order of the results; there is one draw."""
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    for result in results:
        if result.base == base:
            found[result.method, result.k].append(result.measures.softening_slope)
    return [Slopes(method, k, np.array(values)) for (method, k), values in found.items()]


def table(found: list[Slopes], sums: Summary) -> str:
    """Lines of the table: slopes, and force errors over those of the base, which the base's own line lacks."""
    errors = {("base", 0): "  |  |  |"}
    for column in sums.columns:
        ratios = [entry.mean for entry in sums.entries if (entry.method, entry.k) == (column.method, column.k)]
        better = f"{100 * np.mean(np.less(ratios, 1.0)):.0f} %"
        worst = f"{column.worst:.2f} ({column.worst_system})"
        errors[column.method, column.k] = f" {column.geometric_mean:.3f} | {better} | {worst} |"
    return "\n".join(slopes.row() + errors[slopes.method, slopes.k] for slopes in found)


def figure(found: list[Slopes], path: Path) -> None:
    """Share of the formulas with a slope up to x."""
    colours = {"base": "#d1570a", "scalar": "#8a8a8a", "softfix": "#1f6feb"}
    with drawing(path, 6.0, 3.6) as drawn:
        axis = drawn.subplots()
        for slopes in found:
            share = np.arange(1, len(slopes.values) + 1) / len(slopes.values)
            line = {"color": colours[slopes.method], "linestyle": "--" if slopes.k == 1 else "-", "label": slopes.label}
            axis.step(np.sort(slopes.values), share, where="post", **line)
        axis.axvline(1.0, color="black", lw=0.6)
        axis.set(
            xlabel="slope of predicted against DFT forces", ylabel="share of the formulas", xlim=(0.4, 1.4), ylim=(0, 1)
        )
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, loc="center right")


def main(
    path: Annotated[Path, typer.Argument(help="File of frames of many formulas.")],
    base: str = "chgnet",
    most: Annotated[int, typer.Option(help="Formulas at most.")] = 30,
    workers: int = 1,
    results: Path = HERE / "formulas.jsonl",
) -> None:
    """Measure what is missing, then write page and figure."""
    plan = Plan([base], ["base", "scalar", "softfix"], [1, 2], draws=1)
    with screen.progress("cells") as track:
        store = run(systems(path, most), plan, results, workers, track=track)
    measured = store.results.values()
    found, sums = slopes_of(measured, base), summary(measured, base)
    text = PAGE.format(base=base, formulas=len(sums.base_mae), rows=table(found, sums))
    with atomic_path(results.with_suffix(".md")) as temporary:
        temporary.write_text(text, encoding="utf-8")
    figure(found, results.with_suffix(".svg"))
    typer.echo(text)


if __name__ == "__main__":
    typer.run(main)
