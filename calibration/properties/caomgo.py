"""Formation energies of CaO-MgO orderings, before and after a fit to six labelled cells.

    python calibration/properties/caomgo.py DATA_FOLDER --base chgnet

The frames are those of gpaw/CaMgO.extxyz. Fitted, in each draw: both end members at rest and four frames of mixed
composition, one of each x and one more, drawn at random; from rattled frames alone, or any. Measured: the formation
energies of all frames of mixed composition at or near rest (unrelaxed and relaxing) that were not fitted, each against
the unrelaxed end members, which the fit has seen. Where any frame may be fitted, a measured one can be near to it:
another step of the same relaxation. Also for one scalar in the place of the correction.

Lines are added to caomgo.jsonl; what it holds is not measured again. The table goes to caomgo.md.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from softfix import screen
from softfix.bases import load_base
from softfix.correct import corrected
from softfix.data import read_frames
from softfix.data.frames import Frame
from softfix.evaluations import evaluate_base
from softfix.files import atomic_path
from softfix.fit import fit
from softfix.lines import Lines
from softfix.properties.solid_solution import mixture_of
from softfix.settings import FitSettings

HERE = Path(__file__).parent
DRAWN_FROM = ("rattled", "any")
COLUMNS = ("base", "scalar", "softfix")
METHODS = {"scalar": FitSettings(terms=frozenset({"scale"}), domain="global"), "softfix": FitSettings()}


def split(frames: list[Frame], drawn_from: str, seed: int) -> tuple[list[Frame], list[Frame]]:
    """Six frames to fit; end members and other mixed frames at rest to measure."""
    random = np.random.default_rng(seed)
    ends = [frame for frame in frames if frame.config_type in ("x:0;cell:vegard", "x:4;cell:vegard")]
    of_x: dict[int, list[Frame]] = defaultdict(list)
    for frame in frames:
        if 0 < (magnesium := int(np.sum(frame.numbers == 12))) < 4:
            of_x[magnesium].append(frame)
    allowed = {x: [one for one in found if drawn_from == "any" or _rattled(one)] for x, found in of_x.items()}
    drawn = [found[random.integers(len(found))] for found in allowed.values()]
    left = [frame for found in allowed.values() for frame in found if not any(frame is one for one in drawn)]
    drawn.append(left[random.integers(len(left))])
    rest = [frame for found in of_x.values() for frame in found]
    seen = {frame.content_hash for frame in drawn}
    measured, hashes = list(ends), set()
    for frame in rest:  # a relaxation begins with the unrelaxed frame: each geometry counts once
        if not _rattled(frame) and frame.content_hash not in seen | hashes:
            hashes.add(frame.content_hash)
            measured.append(frame)
    return ends + drawn, measured


def _rattled(frame: Frame) -> bool:
    return "rattle" in frame.config_type


def formation(frames: list[Frame], energies: list[float | None]) -> np.ndarray:
    """Formation energies of the mixed frames, meV per cation site."""
    mixture = mixture_of(frames)
    return 1000.0 * mixture.formation(np.array(energies, dtype=float))[mixture.mixed]


def measure(frames: list[Frame], base: Any, drawn_from: str, seed: int) -> dict[str, Any]:
    """Errors of one draw."""
    fitted, measured = split(frames, drawn_from, seed)
    dft = formation(measured, [frame.energy for frame in measured])
    own = formation(measured, [evaluation.energy for evaluation in evaluate_base(base, measured)])
    line: dict[str, Any] = {"fitted": len(fitted), "measured": len(dft), "dft_mean": float(dft.mean())}
    line |= {"base": float(np.abs(own - dft).mean()), "base_mean": float(own.mean())}
    for name, settings in METHODS.items():
        correction = fit(fitted, base, settings).correction
        own = formation(measured, [one.energy for one in corrected(correction, measured, base)])
        line |= {name: float(np.abs(own - dft).mean()), f"{name}_mean": float(own.mean())}
    return line


PAGE = """# Formation energies of CaO-MgO, {base}

MAE in meV per cation. `python calibration/properties/caomgo.py DATA_FOLDER --base {base}`: six frames fitted, both end
members among them.

| drawn from | draw | frames measured | base | scalar | softfix | softfix over base |
|---|---|---|---|---|---|---|
{rows}
"""


def table(lines: list[dict[str, Any]], base: str) -> str:
    """The page."""
    rows = []
    for kind in DRAWN_FROM:
        mine = [line for line in lines if line["drawn_from"] == kind]
        for line in mine:
            cells = [kind, line["seed"], line["measured"], *(f"{line[name]:.1f}" for name in COLUMNS)]
            rows.append("| " + " | ".join(map(str, [*cells, f"{line['softfix'] / line['base']:.2f}"])) + " |")
        means = [float(np.mean([line[name] for line in mine])) for name in COLUMNS]
        cells = [kind, "mean", "", *(f"{mean:.1f}" for mean in means), f"{means[-1] / means[0]:.2f}"]
        rows.append("| " + " | ".join(cells) + " |")
    return PAGE.format(base=base, rows="\n".join(rows))


def main(
    folder: Annotated[Path, typer.Argument(help="Reference data.")],
    base: str = "chgnet",
    draws: int = 5,
    output: Path = HERE,
) -> None:
    """Measure what is missing, then write the table."""
    store, potential = Lines(output / "caomgo.jsonl"), load_base(base)
    frames = read_frames(folder / "gpaw" / "CaMgO.extxyz")
    done = {(line["drawn_from"], line["seed"]) for line in store.read() if line["base_spec"] == base}
    todo = [(kind, seed) for kind in DRAWN_FROM for seed in range(draws) if (kind, seed) not in done]
    with screen.progress("draws") as track:
        for kind, seed in track(todo):
            found = measure(frames, potential, kind, seed)
            store.add(json.dumps({"base_spec": base, "drawn_from": kind, "seed": seed, **found}))
    lines = [line for line in store.read() if line["base_spec"] == base]
    with atomic_path(output / "caomgo.md") as temporary:
        temporary.write_text(table(lines, base), encoding="utf-8")
    print(table(lines, base))


if __name__ == "__main__":
    typer.run(main)
