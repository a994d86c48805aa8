"""Franken: random features of a pretrained MACE's descriptors, fitted in closed form.

    FOLDER/franken/bin/python calibration/scoreboard/peers/franken.py train.extxyz test.extxyz predictions.npz \\
        --base-model calibration/mace-small/mace-small.model

Method: Novelli et al. 2025 (doi:10.48550/arXiv.2505.05652). Settings: the package's multiscale Gaussian random
features, which need no length scale, on the last interaction of the base; scaling by element; the package's own grid of
penalty and force weight. The best of the grid is found on every fifth frame, held back, and then fitted to all frames;
of a single frame none can be held back, and its own error decides. It replaces the base's energy rather than adding
to it, and gives no stress.
"""

from __future__ import annotations

import json
from pathlib import Path

from exchange import labelled, run

FEATURES = 1024  # the package's default
CHUNK = 36  # columns of a Jacobian at a time; "auto" depends on the free memory


def fit(train, arguments, folder):
    """Search the grid with frames held back, then fit its best to all frames."""
    frames = [labelled(atoms) for atoms in train]
    refuse_unknown_to_base(frames, arguments.base_model)
    if len(frames) == 1:
        return calculator(autotune(frames, [], {}, arguments, folder))
    fitted = [atoms for i, atoms in enumerate(frames) if i % 5]
    best = json.loads((autotune(fitted, frames[::5], {}, arguments, folder) / "best.json").read_text())
    solver = {name: best["hyperparameters"]["solver"][name] for name in ("l2_penalty", "force_weight")}
    return calculator(autotune(frames, [], solver, arguments, folder))


def autotune(frames, held_back, solver, arguments, folder):
    """Franken's own search over a grid, or over the one point that `solver` names; the folder of its results."""
    from ase.io import write
    from torch.linalg import LinAlgError

    write(folder / "train.xyz", frames, format="extxyz")
    files = {"train_path": str(folder / "train.xyz")}
    if held_back:
        write(folder / "val.xyz", held_back, format="extxyz")
        files["val_path"] = str(folder / "val.xyz")
    try:
        return search(files, frames, solver, arguments, folder, "leading_eig")
    except LinAlgError:  # the leading eigenvalue of a single, nearly symmetric frame is not found
        return search(files, frames, solver, arguments, folder, None)


def search(files, frames, solver, arguments, folder, normalization):
    """One run of franken.autotune."""
    from franken.autotune.script import autotune
    from franken.backbones.utils import CacheDir
    from franken.config import (
        AutotuneConfig,
        DatasetConfig,
        MaceBackboneConfig,
        MultiscaleGaussianRFConfig,
        SolverConfig,
    )

    CacheDir.initialize(folder / "cache")
    configuration = AutotuneConfig(
        dataset=DatasetConfig(**files),
        solver=SolverConfig(**solver),
        backbone=MaceBackboneConfig(str(arguments.base_model.resolve())),
        rfs=MultiscaleGaussianRFConfig(num_random_features=FEATURES, rng_seed=arguments.seed),
        rf_normalization=normalization,
        atomic_energies={int(z): 0.0 for atoms in frames for z in atoms.numbers},  # zeros are taken off already
        jac_chunk_size=CHUNK,
        run_dir=str(folder),
        seed=arguments.seed,
    )
    return Path(autotune(configuration))


def calculator(folder):
    """The best model of a search."""
    from franken.calculators import FrankenCalculator

    return FrankenCalculator(str(folder / "best_ckpt.pt"), device="cpu")


def refuse_unknown_to_base(frames, base_model):
    """The base has descriptors of the elements alone that it was trained on."""
    import torch

    known = set(torch.load(base_model, map_location="cpu", weights_only=False).atomic_numbers.tolist())
    unknown = {symbol for atoms in frames for symbol in atoms[[z not in known for z in atoms.numbers]].symbols}
    if unknown:
        raise SystemExit(f"{base_model} does not know {', '.join(sorted(unknown))}")


if __name__ == "__main__":
    run(__doc__, fit, ("--base-model", {"type": Path, "required": True, "help": "a MACE that knows the elements"}))
