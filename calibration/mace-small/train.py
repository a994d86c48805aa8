"""Train the project's small MACE on a file of frames: a real MACE for tests, and nothing like MACE-MP-0.

    python calibration/mace-small/train.py examples/HfO2/train.extxyz calibration/mace-small/mace-small.model

The weights of the MACE-MP foundation models are too large to ship; this model has their architecture in small
(16 scalar channels, one message-passing layer of two, r_max 4.5 Å), so that loading, evaluation and correction of a
MACE model are tested on the real package. It takes about a minute on one core.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OPTIONS = {
    "name": "small",
    "model": "MACE",
    "num_channels": 16,
    "max_L": 0,
    "max_ell": 2,
    "correlation": 2,
    "num_interactions": 2,
    "num_radial_basis": 6,
    "radial_MLP": "[16, 16]",
    "MLP_irreps": "8x0e",
    "r_max": 4.5,
    "E0s": "average",
    "energy_key": "REF_energy",
    "forces_key": "REF_forces",
    "stress_key": "REF_stress",
    "compute_stress": True,
    "energy_weight": 1,
    "forces_weight": 100,
    "batch_size": 2,
    "valid_batch_size": 5,
    "valid_fraction": 0.1,
    "lr": 0.01,
    "device": "cpu",
    "default_dtype": "float64",
    "seed": 1,
}


def train(frames: Path, model: Path, epochs: int) -> None:
    """Run mace-torch's own training in a folder of its own, then keep the model."""
    with tempfile.TemporaryDirectory() as folder:
        options = OPTIONS | {"train_file": frames.resolve(), "max_num_epochs": epochs}
        arguments = [f"--{name}={value}" for name, value in options.items()]
        subprocess.run([sys.executable, "-m", "mace.cli.run_train", *arguments], cwd=folder, check=True)
        shutil.copy(Path(folder) / "small.model", model)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frames", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--epochs", type=int, default=400)
    arguments = parser.parse_args()
    train(arguments.frames, arguments.model, arguments.epochs)
    print(f"{arguments.model}: {arguments.model.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
