"""Which prior fits best: default settings against variations, on training frames that the fit did not see.

    python calibration/priors/scan.py DATA_FOLDER AlN-rd mlearn-Li mlearn-Ge mlearn-Mo --base chgnet

The medians in softfix/priors/default.json come from such scans (CHGNet 0.3.0; AlN, Li, Ge, Si, Mo, BaTiO3, MgO of the
reference data and HfO2 of examples/). Only NAME-train.extxyz.gz is read: each draw is fitted on k frames and measured
on the rest of the same file, so that no test frame ever takes part in a choice.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from softfix.bases import load_base
from softfix.correct import corrected
from softfix.data import read_frames
from softfix.evaluations import evaluate_base
from softfix.fitting import fit
from softfix.measure import measure
from softfix.settings import FitSettings

VARIATIONS: dict[str, dict] = {
    "default": {},
    "scale 0.03": {"prior": {"scale": 0.03}},
    "no scale": {"terms": ["pair", "three_body"]},
    "pair only": {"terms": ["scale", "pair"]},
    "amplitudes x 3": {"prior": {"pair": 1.5, "three_body": 0.3}},
    "amplitudes / 3": {"prior": {"pair": 0.17, "three_body": 0.03}},
    "power 2": {"prior": {"smoothness_power": 2.0}},
    "firm three-body": {"prior": {"three_body_width": 0.2}},
    "noise x 2": {"noise": {"forces": 0.04, "forces_relative": 0.3}},
    "three-body 5 Å": {"basis": {"three_cutoff": 5.0}},
}


def ratio(frames: list, base, k: int, seed: int, settings: FitSettings) -> float:
    """Force MAE over that of the base, on the frames that were not drawn."""
    order = np.random.default_rng(seed).permutation(len(frames))
    rest = [frames[i] for i in order[k:]]
    evaluations = evaluate_base(base, rest)
    correction = fit([frames[i] for i in order[:k]], base, settings).correction
    after = measure(rest, corrected(correction, rest, base)).force_mae_eV_A
    return after / measure(rest, evaluations).force_mae_eV_A


def main() -> None:
    """Print the geometric mean over systems and the worst draw, per variation and k."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("systems", nargs="+")
    parser.add_argument("--base", default="chgnet")
    parser.add_argument("-k", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=VARIATIONS, default=list(VARIATIONS))
    arguments = parser.parse_args()
    base = load_base(arguments.base)
    systems = {name: read_frames(arguments.folder / f"{name}-train.extxyz.gz") for name in arguments.systems}
    for name in arguments.only:
        settings = FitSettings.model_validate(VARIATIONS[name])
        for k in arguments.k:
            found = [
                [ratio(frames, base, k, seed, settings) for seed in range(arguments.draws)]
                for frames in systems.values()
            ]
            mean = np.exp(np.mean([np.log(np.mean(ratios)) for ratios in found]))
            print(f"{name:16s} k={k:<3d} mean {mean:.3f} worst {np.max(found):.2f}", flush=True)


if __name__ == "__main__":
    main()
