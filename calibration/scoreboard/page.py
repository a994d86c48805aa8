"""From results.jsonl to the page and the figure of the scoreboard; needs neither models nor frames.

    python calibration/scoreboard/page.py --readme README.md

Writes README.md (tables), summary.json (the same numbers) and scoreboard.svg beside the results; `--readme` renews the
tables that the README of the project shows of them.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from excerpt import errors, excerpt, number, put

from softfix.benchmark import Summary, summary
from softfix.benchmark.cells import Store
from softfix.files import atomic_path
from softfix.svg import drawing

HERE = Path(__file__).parent
ORDER = ("scalar", "softfix", "finetune", "gap", "allegro", "franken")
COLOURS = {"scalar": "#9a9a9a", "softfix": "#1f6feb", "finetune": "#d1570a", "gap": "#2a9d5c", "allegro": "#d05b8e",
           "franken": "#8e5bd0"}  # fmt: skip
INTRODUCTION = """# Scoreboard

Few-shot correction on real DFT frames: force MAE on all test frames over that of the base; mean (worst) over random
draws of k training frames, the same draws for every method. `scalar` multiplies the base by one number fitted to the
forces ([Deng et al. 2025](https://doi.org/10.1038/s41524-024-01500-6)); `finetune` trains every weight of the base on
the same frames (`softfix finetune`, default settings); `gap` and `allegro` are GAP-SOAP and Allegro from scratch
([peers](/calibration/scoreboard/peers/README.md)). No setting was chosen on a test file. Energies: error of energy
differences over that of the base, geometric mean (worst draw, and in which system); stresses likewise. A number in
[brackets] is the count of draws, where it is not the largest.

This page is made by `python calibration/scoreboard/page.py` from `results.jsonl`, one line per cell, with slopes,
energy and stress errors, errors per config_type, wall and CPU time; `summary.json` holds the sums. `run.py` makes the
cells, and goes on where it was stopped. Correction from one regime to another: `regimes.py`, `regimes.json`.
"""


def systems_table(found: Summary) -> str:
    """A row for each system and method, a column for each size."""
    sizes = sorted({entry.k for entry in found.entries})
    cells = {(entry.system, entry.method, entry.k): entry for entry in found.entries}
    methods = [method for method in ORDER if any(entry.method == method for entry in found.entries)]
    most = max(entry.draws for entry in found.entries)
    lines = [
        "| system | base, eV/Å | method |" + "".join(f" k = {k} |" for k in sizes),
        "|---|---|---|" + "---|" * len(sizes),
    ]
    for system, mae in found.base_mae.items():
        for method in methods:
            row = [cells.get((system, method, k)) for k in sizes]
            if any(row):
                shown = [_entry(entry, most) for entry in row]
                lines.append(f"| {system} | {mae:.4f} | {method} |" + "".join(f" {text} |" for text in shown))
    return "\n".join(lines)


def _entry(entry, most: int) -> str:
    if entry is None:
        return ""
    draws = "" if entry.draws == most else f" [{entry.draws}]"
    return f"{entry.mean:.2f} ({entry.worst:.2f}){draws}"


def columns_table(found: Summary) -> str:
    """A row for each method and size."""
    names = "method", "k", "systems", "geometric mean", "worst draw", "in", "over fine-tuning, same draws", "slopes"
    lines = ["| " + " | ".join((*names, "energies", "stresses", "CPU s")) + " |", "|---" * 11 + "|"]
    for c in sorted(found.columns, key=lambda c: (ORDER.index(c.method), c.k)):
        lines.append(
            f"| {c.method} | {c.k} | {c.systems} | {c.geometric_mean:.3f} | {c.worst:.2f} | {c.worst_system} "
            f"| {number(c.against_finetune)} | {c.slope_low:.2f} to {c.slope_high:.2f} "
            f"| {errors(c.energies)} | {errors(c.stresses)} | {c.cpu_s:.1f} |"
        )
    return "\n".join(lines)


def figure(found: Summary, path: Path) -> None:
    """Ratio against the number of frames, one panel per system."""
    names = list(found.base_mae)
    rows = -(-len(names) // 4)
    with drawing(path, 9.0, 2.0 * rows, font_size=8.0) as drawn:
        axes = drawn.subplots(rows, 4, sharex=True, sharey=True)
        for axis, name in zip(axes.flat, names, strict=False):
            _panel(axis, found, name)
        for axis in axes.flat[len(names) :]:
            axis.axis("off")
        handles, labels = axes.flat[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
        drawn.supylabel("force MAE over that of the base")
        drawn.supxlabel("training frames")


def _panel(axis, found: Summary, name: str) -> None:
    for method, colour in COLOURS.items():
        if not any(e.method == method for e in found.entries):
            continue
        entries = sorted((e for e in found.entries if (e.system, e.method) == (name, method)), key=lambda e: e.k)
        sizes, means = [e.k for e in entries], [e.mean for e in entries]
        worst = [e.worst for e in entries]
        axis.plot(sizes, means, "o-", color=colour, label=method, ms=3, lw=1.2)
        axis.fill_between(sizes, means, worst, color=colour, alpha=0.15, lw=0)
    axis.axhline(1.0, color="black", lw=0.6, ls=":")
    axis.set(title=name, xscale="log", yscale="log", ylim=(0.002, 4.0), xticks=[1, 2, 5, 10, 20])
    axis.set_xticklabels(["1", "2", "5", "10", "20"])
    axis.minorticks_off()


def main(
    results: Annotated[Path, typer.Option()] = HERE / "results.jsonl",
    output: Path = HERE,
    readme: Annotated[Path | None, typer.Option(help="Page with marks that takes the tables of CHGNet.")] = None,
) -> None:
    """Write the page, the sums and the figure."""
    measured = Store(results).results.values()
    bases = sorted({result.base for result in measured})
    summaries = {base: summary(measured, base) for base in bases}
    if not any(found.entries for found in summaries.values()):
        raise SystemExit(f"{results} holds no method beside its base yet: run run.py first.")
    parts = [INTRODUCTION]
    for base, found in summaries.items():
        parts += [f"## {base}\n", columns_table(found) + "\n", systems_table(found) + "\n"]
    caption = f"Force error against the number of frames, {bases[0]}; the shade reaches to the worst draw"
    parts.append(f"![{caption}](scoreboard.svg)\n")
    for name, text in {
        "README.md": "\n".join(parts),
        "summary.json": json.dumps({base: asdict(found) for base, found in summaries.items()}, indent=1) + "\n",
    }.items():
        with atomic_path(output / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    figure(summaries[bases[0]], output / "scoreboard.svg")
    if readme:
        put(excerpt(summaries[bases[0]]), readme)


if __name__ == "__main__":
    typer.run(main)
