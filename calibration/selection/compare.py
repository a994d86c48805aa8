"""Ten frames chosen by `softfix suggest` against ten random ones of the same pool.

    python calibration/selection/compare.py DATA_FOLDER --base chgnet --draws 2

Two thirds of each training file are the pool, the rest is held out; test files are not read. Results are added to
results.jsonl beside this script, a line per fit; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from softfix.bases import load_base
from softfix.bases.protocol import Base
from softfix.correct import corrected
from softfix.data import read_frames
from softfix.data.frames import Frame
from softfix.evaluations import evaluate_base
from softfix.fitting import fit
from softfix.lines import Lines
from softfix.suggest import suggest

HERE = Path(__file__).parent
SYSTEMS = ["mlearn-Ge", "mlearn-Li", "mlearn-Si", "MgO", "BaTiO3-AIMD"]


def parts(folder: Path, system: str, split: int) -> tuple[list[Frame], list[Frame]]:
    """Pool and held-out frames of one training file."""
    frames = read_frames(next(folder.glob(f"{system}-train.*")))
    order = np.random.default_rng(100 + split).permutation(len(frames))
    cut = 2 * len(frames) // 3
    return [frames[i] for i in order[:cut]], [frames[i] for i in order[cut:]]


def ratio(chosen: list[Frame], held: list[Frame], base: Base) -> float:
    """Force MAE of a fit to the chosen frames over that of the base."""
    before = evaluate_base(base, held)
    after = corrected(fit(chosen, base).correction, held, base)
    return error(held, after) / error(held, before)


def error(frames: list[Frame], predictions: list) -> float:
    """Force MAE in eV/Å."""
    pairs = zip(frames, predictions, strict=True)
    return float(np.concatenate([np.abs(p.forces - f.forces).ravel() for f, p in pairs]).mean())


def table(done: dict[tuple, float], systems: list[str]) -> None:
    """Mean of both per system, and the geometric mean of their ratio."""
    against = []
    for system in systems:
        chosen = [v for (name, _, how), v in done.items() if name == system and how == "selection"]
        random = [v for (name, _, how), v in done.items() if name == system and how != "selection"]
        against.append(np.mean(chosen) / np.mean(random))
        print(f"{system:12s} chosen {np.mean(chosen):.3f}  random {np.mean(random):.3f} "
              f"({min(random):.3f} to {max(random):.3f})  {against[-1]:.3f}")  # fmt: skip
    print(f"chosen over random, geometric mean of {len(systems)} systems: {np.exp(np.mean(np.log(against))):.3f}")


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of NAME-train files.")],
    base: str = "chgnet",
    system: Annotated[list[str], typer.Option()] = SYSTEMS,
    draws: int = 2,
    splits: int = 1,
    size: int = 10,
    results: Path = HERE / "results.jsonl",
) -> None:
    """Measure what is missing, then print the table."""
    store = Lines(results)
    done = {(r["system"], r["split"], r["how"]): r["ratio"] for r in store.read()}
    potential = load_base(base)
    for split in range(splits):
        for name in system:
            pool, held = parts(folder, name, split)
            for how in ("selection", *(f"random{seed}" for seed in range(draws))):
                if (name, split, how) in done:
                    continue
                if how == "selection":
                    chosen = [one.frame for one in suggest(pool, size)]
                else:
                    order = np.random.default_rng(int(how[6:])).permutation(len(pool))
                    chosen = [pool[i] for i in order[:size]]
                done[name, split, how] = ratio(chosen, held, potential)
                line = {"system": name, "split": split, "how": how, "ratio": done[name, split, how]}
                store.add(json.dumps(line))
    table(done, system)


if __name__ == "__main__":
    typer.run(main)
