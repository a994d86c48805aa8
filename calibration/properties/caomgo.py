"""Formation energies of CaO-MgO orderings, before and after a fit to six labelled cells.

    python calibration/properties/caomgo.py DATA_FOLDER --base chgnet
    python calibration/properties/caomgo.py DATA_FOLDER --method finetune --method gap --peers FOLDER

The frames are those of gpaw/CaMgO.extxyz. Fitted, in each draw: both end members at rest and four frames of mixed
composition, one of each x and one more, drawn at random; from rattled frames alone, or any. Measured: the formation
energies of all frames of mixed composition at or near rest (unrelaxed and relaxing) that were not fitted, each against
the unrelaxed end members, which the fit has seen. Where any frame may be fitted, a measured one can be near to it:
another step of the same relaxation. Methods are the columns of the scoreboard; from-scratch peers take part where
`--peers` names the folder of their environments.

Lines are added to caomgo.jsonl; what it holds, made with the same settings, is not measured again. The table goes to
caomgo.md.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from softfix import screen
from softfix.bases import load_base
from softfix.benchmark import METHODS, Method
from softfix.data import read_frames
from softfix.data.frames import Frame
from softfix.files import atomic_path
from softfix.lines import Lines
from softfix.properties.solid_solution import mixture_of

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "scoreboard"))
from peer import ARGUMENTS, methods  # noqa: E402  # needs the path

DRAWN_FROM = ("rattled", "any")


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


def measure(frames: list[Frame], base: Any, drawn_from: str, seed: int, method: Method) -> dict[str, Any]:
    """Error of one method in one draw."""
    fitted, measured = split(frames, drawn_from, seed)
    dft = formation(measured, [frame.energy for frame in measured])
    own = formation(measured, [one.energy for one in method.predict(fitted, measured, base, seed)])
    return {"fitted": len(fitted), "measured": len(dft), "dft_mean": float(dft.mean()), "mean": float(own.mean()),
            "mae": float(np.abs(own - dft).mean())}  # fmt: skip


PAGE = """# Formation energies of CaO-MgO, {base}

MAE in meV per cation. `python calibration/properties/caomgo.py DATA_FOLDER --base {base}`: six frames fitted, both end
members among them.

| drawn from | draw | frames measured | {methods} | softfix over base |
|---|---|---|{dashes}---|
{rows}
"""


def table(lines: list[dict[str, Any]], base: str) -> str:
    """The page."""
    names = [name for name in (*METHODS, *ARGUMENTS) if any(line["method"] == name for line in lines)]
    rows = []
    for kind in DRAWN_FROM:
        errors: dict[int, dict[str, float]] = defaultdict(dict)
        measured: dict[int, int] = {}
        for line in lines:
            if line["drawn_from"] == kind:
                errors[line["seed"]][line["method"]] = line["mae"]
                measured[line["seed"]] = line["measured"]
        rows += [_row(kind, seed, measured[seed], of, names) for seed, of in sorted(errors.items())]
        complete = [name for name in names if all(name in of for of in errors.values())]
        means = {name: float(np.mean([of[name] for of in errors.values()])) for name in complete}
        rows.append(_row(kind, "mean", "", means, names))
    return PAGE.format(base=base, methods=" | ".join(names), dashes="---|" * len(names), rows="\n".join(rows))


def latest(lines: list[dict[str, Any]], base: str) -> dict[tuple[str, int, str], dict[str, Any]]:
    """The last line of every cell: (drawn from, seed, method)."""
    return {(line["drawn_from"], line["seed"], line["method"]): line for line in lines if line["base_spec"] == base}


def _row(kind: str, draw: object, measured: object, errors: dict[str, float], names: list[str]) -> str:
    cells = [f"{errors[name]:.1f}" if name in errors else "" for name in names]
    share = f"{errors['softfix'] / errors['base']:.2f}"
    return f"| {kind} | {draw} | {measured} | {' | '.join(cells)} | {share} |"


def main(
    folder: Annotated[Path, typer.Argument(help="Reference data.")],
    base: str = "chgnet",
    method: Annotated[list[str], typer.Option()] = ["base", "scalar", "softfix"],  # noqa: B006
    peers_folder: Annotated[Path | None, typer.Option("--peers", help="Folder of the peers' environments.")] = None,
    draws: int = 5,
    output: Path = HERE,
) -> None:
    """Measure what is missing, then write the table."""
    store, potential = Lines(output / "caomgo.jsonl"), load_base(base)
    frames = read_frames(folder / "gpaw" / "CaMgO.extxyz")
    known = methods(peers_folder)
    digests = {name: known[name].digest(potential.identity.family) for name in method}
    done = latest(store.read(), base)
    cells = [(kind, seed, name) for kind in DRAWN_FROM for seed in range(draws) for name in method]
    with screen.progress("draws") as track:
        for cell in track([each for each in cells if done.get(each, {}).get("settings") != digests[each[2]]]):
            kind, seed, name = cell
            found = measure(frames, potential, kind, seed, known[name])
            key = {"base_spec": base, "drawn_from": kind, "seed": seed, "method": name, "settings": digests[name]}
            store.add(json.dumps(key | found))
    lines = list(latest(store.read(), base).values())
    with atomic_path(output / "caomgo.md") as temporary:
        temporary.write_text(table(lines, base), encoding="utf-8")
    print(table(lines, base))


if __name__ == "__main__":
    typer.run(main)
