"""CHGNet in training: its own graphs, collation and `CombinedLoss`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from softfix.bases.undisturbed import undisturbed
from softfix.evaluations import atoms_of
from softfix.finetune.settings import FinetuneSettings
from softfix.finetune.targets import Target, Targets
from softfix.measure import GPA


class CHGNetTrainee:
    """CHGNet's loss speaks eV/atom, eV/Å and GPa; magnetic moments are neither needed nor trained on."""

    def __init__(self, base, train: Targets, validation: Targets, settings: FinetuneSettings):
        with undisturbed():
            from chgnet.trainer.trainer import CombinedLoss
        self.model = base.model()
        for parameter in self.model.composition_model.parameters():
            parameter.requires_grad = False  # the offsets are fitted in closed form
        self.task = "efs" if "stress" in train.kinds else "ef"
        weights = settings.loss
        self.criterion = CombinedLoss(
            target_str=self.task,
            energy_loss_ratio=weights.energy if "energy" in train.kinds else 0.0,
            force_loss_ratio=weights.forces if "forces" in train.kinds else 0.0,
            stress_loss_ratio=weights.stress,
        )
        self.train = [self._item(target) for target in train.items]
        self.validation = [self._item(target) for target in validation.items]

    def _item(self, target: Target) -> tuple:
        import torch
        from ase.stress import voigt_6_to_full_3x3_stress
        from pymatgen.io.ase import AseAtomsAdaptor

        with undisturbed():
            structure = AseAtomsAdaptor.get_structure(atoms_of(target.frame))
            graph = self.model.graph_converter(structure)
        graph.atom_frac_coord.requires_grad = True
        labels = {
            "e": target.energy / len(target.frame),
            "f": target.forces,
            "s": voigt_6_to_full_3x3_stress(target.stress) * GPA,
        }
        device = next(self.model.parameters()).device
        return graph.to(device), {k: torch.tensor(v, dtype=torch.float32, device=device) for k, v in labels.items()}

    def loss(self, indices: Sequence[int]):
        """Squared errors of energy per atom, forces and stress."""
        from chgnet.data.dataset import collate_graphs

        graphs, labels = collate_graphs([self.train[i] for i in indices])
        self.model.train()
        return self.criterion(labels, self.model(graphs, task=self.task))["loss"]

    def force_error(self) -> float:
        """Mean |force error| on the validation frames, eV/Å."""
        self.model.eval()
        errors = [self.model([graph], task="ef")["f"][0] - labels["f"] for graph, labels in self.validation]
        return float(np.concatenate([np.abs(error.detach().cpu().numpy()).ravel() for error in errors]).mean())

    def save(self, folder: Path, offsets: dict[int, float]) -> None:
        """Write the checkpoint that `CHGNet.from_file` reads."""
        import torch

        with torch.no_grad():
            for number, energy in offsets.items():
                self.model.composition_model.fc.weight[0, number - 1] += energy
        torch.save({"model": self.model.as_dict()}, folder / "chgnet.pth.tar")
