"""The two tables of the scoreboard that the README of the project shows, between marks in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from softfix.benchmark import Summary
from softfix.benchmark.table import Column, Errors
from softfix.files import atomic_path

BEGIN, END = "<!-- scoreboard: made by calibration/scoreboard/page.py --readme -->\n", "<!-- end of scoreboard -->\n"


def excerpt(found: Summary) -> str:
    """Sums over systems for every method, then softfix system by system."""
    sizes = sorted({column.k for column in found.columns})
    columns = {(column.method, column.k): column for column in found.columns}

    def row(name: str, method: str, text: Callable[[Column], str]) -> str:
        shown = [text(columns[method, k]) if (method, k) in columns else "" for k in sizes]
        return f"| {name} |" + "".join(f" {each} |" for each in shown)

    def error(column: Column) -> str:
        return f"{column.geometric_mean:.2f} ({column.worst:.2f})"

    def times(column: Column) -> str:
        peer = columns.get(("finetune", column.k))
        return f"{column.cpu_s:.0f}" + (f" / {peer.cpu_s:.0f}" if peer else "")

    head = "".join(f" k = {k} |" for k in sizes) + "\n|---|" + "---|" * len(sizes)
    sums = [
        f"| geometric mean over systems (worst draw) |{head}",
        row("one scalar (Deng et al.)", "scalar", error),
        row("fine-tuning all weights", "finetune", error),
        row("softfix", "softfix", error),
        row("softfix over fine-tuning, same draws", "softfix", lambda c: number(c.against_finetune)),
        row("CPU time of a fit / of fine-tuning, s", "softfix", times),
        row(
            "softfix, error of energy differences over the base's",
            "softfix",
            lambda c: errors(c.energies, system=False),
        ),
        row("the same of stresses", "softfix", lambda c: errors(c.stresses, system=False)),
        row("systems", "softfix", lambda c: str(c.systems)),
    ]
    entries = {(e.system, e.k): f"{e.mean:.2f} ({e.worst:.2f})" for e in found.entries if e.method == "softfix"}
    systems = [
        f"| {system} |" + "".join(f" {entries.get((system, k), '')} |" for k in sizes) for system in found.base_mae
    ]
    return "\n".join([*sums, "", f"| softfix, mean (worst) |{head}", *systems]) + "\n"


def put(text: str, path: Path) -> None:
    """Put the tables in the place of those between the marks of a page.

    Raises:
        SystemExit: if the page lacks the marks.
    """
    page = path.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        raise SystemExit(f"{path} lacks the lines '{BEGIN.strip()}' and '{END.strip()}' that the tables go between.")
    before, rest = page.split(BEGIN, 1)
    with atomic_path(path) as temporary:
        temporary.write_text(before + BEGIN + text + END + rest.split(END, 1)[1], encoding="utf-8")


def number(value: float | None) -> str:
    """A cell of a table; empty where nothing was measured."""
    return "" if value is None else f"{value:.2f}"


def errors(found: Errors | None, system: bool = True) -> str:
    """A cell of a table: the mean over systems, and the worst draw."""
    if found is None:
        return ""
    where = f", {found.worst_system}" if system else ""
    return f"{found.geometric_mean:.2f} ({found.worst:.2f}{where})"
