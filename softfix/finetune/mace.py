"""MACE in training: its own `AtomicData`, batches and `WeightedEnergyForcesStressLoss`, in float64.

One head alone is trained, on the frames alone: nothing of the foundation model's data is replayed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from softfix.bases.undisturbed import undisturbed
from softfix.finetune.settings import FinetuneSettings
from softfix.finetune.targets import Target, Targets
from softfix.measure import GPA


class MACETrainee:
    """MACE's loss speaks eV/atom, eV/Å and eV/Å^3; its stress weight is the settings' times (GPa per eV/Å^3)^2."""

    def __init__(self, base, train: Targets, validation: Targets, settings: FinetuneSettings):
        with undisturbed():
            import torch
            from mace.modules import WeightedEnergyForcesLoss, WeightedEnergyForcesStressLoss

            self.model = base.model()
            self.numbers = [int(z) for z in self.model.atomic_numbers]
            self.heads = list(getattr(self.model, "heads", ["Default"]))
            self.head = _head(self.heads)
            self.stress = "stress" in train.kinds
            energy = settings.loss.energy if "energy" in train.kinds else 0.0
            forces = settings.loss.forces if "forces" in train.kinds else 0.0
            torch.set_default_dtype(torch.float64)
            criterion = (
                WeightedEnergyForcesStressLoss(energy, forces, settings.loss.stress * GPA**2)
                if self.stress
                else WeightedEnergyForcesLoss(energy, forces)
            )
            self.device = next(self.model.parameters()).device
            self.criterion = criterion.to(self.device)
            self.train = [self._item(target) for target in train.items]
            self.validation = [self._item(target) for target in validation.items]

    def _item(self, target: Target):
        from mace.data import AtomicData, Configuration
        from mace.tools import AtomicNumberTable

        frame = target.frame
        configuration = Configuration(
            atomic_numbers=frame.numbers,
            positions=frame.positions,
            properties={"energy": target.energy, "forces": target.forces, "stress": target.stress},
            property_weights={"stress": 1.0 if frame.volume > 0.0 else 0.0},
            cell=frame.cell,
            pbc=tuple(frame.pbc),
            head=self.heads[self.head],
        )
        table = AtomicNumberTable(self.numbers)
        return AtomicData.from_config(configuration, z_table=table, cutoff=float(self.model.r_max), heads=self.heads)

    def _batch(self, items: Sequence):
        from mace.tools.torch_geometric import Batch

        return Batch.from_data_list(list(items)).to(self.device)

    def loss(self, indices: Sequence[int]):
        """Squared errors of energy per atom, forces and stress."""
        self.model.train()
        batch = self._batch([self.train[i] for i in indices])
        return self.criterion(batch, self.model(batch.to_dict(), training=True, compute_stress=self.stress))

    def force_error(self) -> float:
        """Mean |force error| on the validation frames, eV/Å."""
        self.model.eval()
        batches = [self._batch([item]) for item in self.validation]
        errors = [self.model(batch.to_dict())["forces"] - batch.forces for batch in batches]
        return float(np.concatenate([np.abs(error.detach().cpu().numpy()).ravel() for error in errors]).mean())

    def save(self, folder: Path, offsets: dict[int, float]) -> None:
        """Write the model file that `MACEBase` finds in the folder."""
        with undisturbed():
            import torch

            energies = torch.atleast_2d(self.model.atomic_energies_fn.atomic_energies)[self.head]
            for number, energy in offsets.items():
                energies[self.numbers.index(number)] += energy
            torch.save(self.model, folder / "mace.model")


def _head(heads: Sequence[str]) -> int:
    """The head that mace-torch's calculator evaluates: the only one, or that named default."""
    return 0 if len(heads) == 1 else [head.lower() for head in heads].index("default")
