"""Allegro from scratch: a small model trained by nequip-train for a bounded number of steps.

    FOLDER/allegro/bin/python calibration/scoreboard/peers/allegro.py train.extxyz test.extxyz predictions.npz

Method: Musaelian et al. 2023 (doi:10.1038/s41467-023-36329-y), in the software of Tan et al. 2025
(doi:10.48550/arXiv.2504.16068). Settings: two layers, 32 tensor and 64 scalar features as in the package's tutorial,
with l_max = 2; Adam, forces and energies per atom equally in the loss. Of our own, because few-shot sets hold as little
as one frame and the time is bounded: no frame is held back for validation, batches of one frame, and a learning rate
that falls from 0.01 (that of the tutorial of nequip) to zero along a cosine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from exchange import labelled, run

R_MAX = 5.0  # Å
EDGE_STEPS = 800_000  # neighbours within R_MAX times epochs: some nine minutes of one core
MOST_EPOCHS = 1000
LEARNING_RATE = 0.01
MOST_TIME = "00:00:50:00"  # days, hours, minutes, seconds
MODEL = {
    "_target_": "allegro.model.AllegroModel",
    "model_dtype": "float32",
    "r_max": R_MAX,
    "l_max": 2,
    "parity": False,
    "num_layers": 2,
    "num_scalar_features": 64,
    "num_tensor_features": 32,
    "radial_chemical_embed": {"_target_": "allegro.nn.TwoBodyBesselScalarEmbed", "num_bessels": 8},
    "avg_num_neighbors": "${training_data_stats:num_neighbors_mean}",
    "per_type_energy_shifts": 0.0,  # energies come with their zero taken off
    "per_type_energy_scales": "${training_data_stats:per_type_forces_rms}",
}


def fit(train, arguments, folder):
    """Write frames and configuration, train, load the last checkpoint."""
    from ase.io import write

    frames = [labelled(atoms) for atoms in train]
    if not all("stress" in atoms.calc.results for atoms in frames):
        for atoms in frames:
            atoms.calc.results.pop("stress", None)
    write(folder / "train.xyz", frames, format="extxyz")
    (folder / "config.yaml").write_text(json.dumps(configuration(frames, arguments, folder)))
    command = [str(Path(sys.executable).with_name("nequip-train")), "-cp", str(folder), "-cn", "config"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    checkpoint = folder / "last.ckpt"
    if done.returncode or not checkpoint.exists():
        raise SystemExit(f"nequip-train failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return load(checkpoint)


def load(checkpoint):
    """The calculator of a checkpoint.

    The public way is to compile the model first, which needs a C++ compiler and longer than the predictions here.
    """
    from nequip.integrations.ase import NequIPCalculator

    return NequIPCalculator._from_saved_model(checkpoint, device="cpu", chemical_species_to_atom_type_map=True)


def configuration(frames, arguments, folder):
    """What nequip-train reads: data, trainer, loss, optimizer and model. JSON is YAML."""
    from ase.neighborlist import neighbor_list

    elements = sorted({symbol for atoms in frames for symbol in atoms.symbols})
    edges = sum(len(neighbor_list("i", atoms, R_MAX)) for atoms in frames)
    epochs = max(1, min(MOST_EPOCHS, arguments.edge_steps // edges))
    return {
        "run": ["train"],
        "hydra": {"run": {"dir": str(folder / "hydra")}},
        "data": data(elements, arguments.seed, folder),
        "trainer": trainer(epochs, folder),
        "training_module": {
            "_target_": "nequip.train.NequIPLightningModule",
            "loss": loss(frames),
            "val_metrics": {"_target_": "nequip.train.EnergyForceMetrics"},
            "optimizer": {"_target_": "torch.optim.Adam", "lr": LEARNING_RATE},
            "lr_scheduler": {
                "scheduler": {"_target_": "torch.optim.lr_scheduler.CosineAnnealingLR", "T_max": epochs},
                "interval": "epoch",
                "frequency": 1,
            },
            "model": MODEL | {"seed": arguments.seed, "type_names": elements},
        },
        "global_options": {"allow_tf32": False},
    }


def data(elements, seed, folder):
    """The frames, one in a batch; the validation file is named because nequip asks for one, and never evaluated."""
    loader = {"_target_": "torch.utils.data.DataLoader", "batch_size": 1, "num_workers": 0}
    file = str(folder / "train.xyz")
    return {
        "_target_": "nequip.data.datamodule.ASEDataModule",
        "seed": seed,
        "train_file_path": file,
        "val_file_path": file,
        "transforms": [
            {"_target_": "nequip.data.transforms.ChemicalSpeciesToAtomTypeMapper", "model_type_names": elements},
            {"_target_": "nequip.data.transforms.NeighborListTransform", "r_max": R_MAX},
        ],
        "train_dataloader": loader | {"shuffle": True},
        "val_dataloader": loader,
        "stats_manager": {
            "_target_": "nequip.data.CommonDataStatisticsManager",
            "dataloader_kwargs": {"batch_size": 1},
            "type_names": elements,
        },
    }


def trainer(epochs, folder):
    """Epochs, a limit in time, and the last checkpoint."""
    return {
        "_target_": "lightning.Trainer",
        "accelerator": "cpu",
        "max_epochs": epochs,
        "max_time": MOST_TIME,
        "limit_val_batches": 0,
        "num_sanity_val_steps": 0,
        "enable_progress_bar": False,
        "logger": False,
        "callbacks": [
            {
                "_target_": "lightning.pytorch.callbacks.ModelCheckpoint",
                "dirpath": str(folder),
                "save_last": True,
                "save_on_train_epoch_end": True,
            }
        ],
    }


def loss(frames):
    """Squared errors of energies per atom and forces, and of stresses where every frame has one."""
    if "stress" in frames[0].calc.results:
        return {"_target_": "nequip.train.EnergyForceStressLoss"}
    return {"_target_": "nequip.train.EnergyForceLoss"}


if __name__ == "__main__":
    run(__doc__, fit, ("--edge-steps", {"type": int, "default": EDGE_STEPS, "help": "epochs times neighbours"}))
