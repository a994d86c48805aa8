"""Time and size of a report: of its own work, and of the base that it asks.

    python calibration/benchmarks/report_time.py my.softfix test.extxyz

Without --keep, JAX compiles everything anew, as the first report on a machine does. Prints the CPU time of the whole
and of the base's evaluations in it, the wall time, the size of page and JSON, and how many remote addresses the page
holds.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer


def main(
    correction: Path,
    test: list[Path],
    keep: Annotated[bool, typer.Option(help="Use what earlier commands compiled.")] = False,
    output: Annotated[Path | None, typer.Option("-o", help="Folder to write page and JSON to.")] = None,
) -> None:
    """Make a report and say what it took."""
    if not keep:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp()
    from softfix.bases import load_base
    from softfix.bases.dialect import Normalised
    from softfix.compiled import keep_compiled
    from softfix.correction import load_correction
    from softfix.data import read_frames
    from softfix.report.build import report
    from softfix.report.numbers import dump
    from softfix.report.page import page

    keep_compiled()
    of_base = [0.0, 0]
    calculate = Normalised.calculate

    def timed(self, *arguments, **named):
        start = time.process_time()
        try:
            return calculate(self, *arguments, **named)
        finally:
            of_base[0] += time.process_time() - start
            of_base[1] += 1

    Normalised.calculate = timed  # type: ignore[method-assign]
    cpu, wall = time.process_time(), time.perf_counter()
    fitted = load_correction(correction)
    numbers = report(fitted, read_frames(test), load_base(fitted.base.spec))
    json = dump(numbers)
    html = page(numbers)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if output:
        (output / f"{correction.stem}.json").write_text(json, encoding="utf-8")
        (output / f"{correction.stem}.html").write_text(html, encoding="utf-8")
    print(
        f"{correction.stem}: {cpu:.0f} s CPU, {of_base[0]:.0f} s of it in {of_base[1]} evaluations of the base; "
        f"{wall:.0f} s wall; page {len(html.encode()) / 1e6:.2f} MB, JSON {len(json.encode()) / 1e6:.2f} MB; "
        f"remote references: {len(re.findall('https?:', html))}"
    )


if __name__ == "__main__":
    typer.run(main)
