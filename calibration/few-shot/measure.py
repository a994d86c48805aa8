"""Few-shot accuracy: force MAE of the corrected potential over that of the base, on held-out frames.

    python calibration/few-shot/measure.py DATA_FOLDER AlN-rd mlearn-Li --base chgnet -k 1 5 -o results.json

DATA_FOLDER holds NAME-train.extxyz.gz and NAME-test.extxyz.gz. For every k, five random draws (seeds 0 to 4) of k
training frames are fitted with the default settings and measured on the whole test file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from softfix.bases import load_base
from softfix.correct import corrected
from softfix.data import read_frames
from softfix.evaluations import evaluate_base
from softfix.files import atomic_path
from softfix.fit import fit
from softfix.measure import measure
from softfix.settings import FitSettings, read_settings


def few_shot(train: list, test: list, base, k: int, draws: int, settings: FitSettings) -> list[dict]:
    """Measures of each draw, with the ratio to the base."""
    evaluations = evaluate_base(base, test)
    before = measure(test, evaluations)
    found = []
    for seed in range(draws):
        chosen = np.random.default_rng(seed).permutation(len(train))[:k]
        result = fit([train[i] for i in chosen], base, settings)
        after = measure(test, corrected(result.correction, test, evaluations))
        ratio = after.force_mae_eV_A / before.force_mae_eV_A
        found.append({"seed": seed, "ratio": ratio, "c": 1.0 + result.correction.scale, **after.model_dump()})
    return found


def main() -> None:
    """Read the command line, measure, print a line per system and k, write all numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("systems", nargs="+")
    parser.add_argument("--base", default="chgnet")
    parser.add_argument("-k", type=int, nargs="+", default=[1, 2, 5, 10])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--config", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    base, numbers = load_base(arguments.base), {}
    settings = read_settings(arguments.config) if arguments.config else FitSettings()
    print(f"{'system':16s} {'k':>3s} {'mean':>6s} {'worst':>6s}   force MAE / base, {arguments.draws} draws; slope")
    for name in arguments.systems:
        train, test = (read_frames(arguments.folder / f"{name}-{part}.extxyz.gz") for part in ("train", "test"))
        for k in [k for k in arguments.k if k < len(train)]:
            found = few_shot(train, test, base, k, arguments.draws, settings)
            ratios = [draw["ratio"] for draw in found]
            slope = np.mean([draw["softening_slope"] for draw in found])
            print(f"{name:16s} {k:3d} {np.mean(ratios):6.3f} {max(ratios):6.3f}   {slope:.3f}", flush=True)
            numbers[f"{name} k={k}"] = found
            if arguments.output:
                with atomic_path(arguments.output) as temporary:
                    temporary.write_text(json.dumps({"base": base.identity.model_dump(), "draws": numbers}, indent=1))


if __name__ == "__main__":
    main()
