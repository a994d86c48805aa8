"""M3GNet and the other potentials of matgl in training: their own graphs, collation and `PotentialLightningModule`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from softfix.bases.matgl import MARK
from softfix.bases.undisturbed import undisturbed
from softfix.errors import SoftfixError
from softfix.evaluations import atoms_of
from softfix.finetune.settings import FinetuneSettings
from softfix.finetune.targets import Target, Targets
from softfix.measure import GPA


class MatglTrainee:
    """matgl's loss speaks eV/atom, eV/Å and GPa, as the settings do; magnetic moments and charges are not trained."""

    def __init__(self, base, train: Targets, validation: Targets, settings: FinetuneSettings):
        with undisturbed():
            from matgl.ext.ase import Atoms2Graph
            from matgl.utils.training import PotentialLightningModule

            self.model = base.model()
            if self.model.calc_charge:
                raise SoftfixError(f"{base.identity.spec} predicts charges, and such potentials can't be fine-tuned.")
            self.note = {"fine_tuned_from": base.identity.spec, "before_matgl_3": base.before_matgl_3}
            self.stress = "stress" in train.kinds
            self.model.calc_stresses, self.model.calc_magmom = self.stress, False
            self.elements = list(self.model.model.element_types)
            self.converter = Atoms2Graph(tuple(self.elements), self.model.model.cutoff)
            weights = settings.loss
            self.module = PotentialLightningModule(
                model=self.model.model,
                energy_weight=weights.energy if "energy" in train.kinds else 0.0,
                force_weight=weights.forces if "forces" in train.kinds else 0.0,
                stress_weight=weights.stress if self.stress else 0.0,
            )
        self.module.model = self.model  # with its own scale and element references
        self.train = [self._item(target) for target in train.items]
        self.validation = [self._item(target) for target in validation.items]

    def _item(self, target: Target) -> tuple:
        import torch
        from ase.stress import voigt_6_to_full_3x3_stress

        if self.stress and target.frame.volume == 0.0:
            raise SoftfixError(f"{target.frame.source} has no cell and thus no stress: leave stress out of `labels`.")
        graph, lattice, state = self.converter.get_graph(atoms_of(target.frame))
        labels = {
            "energies": target.energy,
            "forces": torch.tensor(target.forces, dtype=torch.float32),
            "stresses": torch.tensor(voigt_6_to_full_3x3_stress(target.stress) * GPA, dtype=torch.float32),
        }
        return graph, lattice, torch.tensor(state), labels

    def loss(self, indices: Sequence[int]):
        """Squared errors of energy per atom, forces and stress."""
        from matgl.graph.data import collate_fn_pes

        self.model.train()
        batch = collate_fn_pes([self.train[i] for i in indices], include_stress=self.stress)
        return self.module.step(batch)[0]["Total_Loss"]

    def force_error(self) -> float:
        """Mean |force error| on the validation frames, eV/Å."""
        self.model.eval()
        errors = [self.model(*structure)[1] - labels["forces"] for *structure, labels in self.validation]
        return float(np.concatenate([np.abs(error.detach().numpy()).ravel() for error in errors]).mean())

    def save(self, folder: Path, offsets: dict[int, float]) -> None:
        """Write the three files that `MatglBase` reads, with a note of the message convention of the weights."""
        import torch
        from ase.data import chemical_symbols
        from matgl.layers._atom_ref import AtomRef

        if self.model.element_refs is None:
            self.model.element_refs = AtomRef(torch.zeros(len(self.elements)))
        references = self.model.element_refs.property_offset
        for number, energy in offsets.items():
            references[..., self.elements.index(chemical_symbols[number])] += energy
        self.model._init_args["element_refs"] = references.tolist()
        self.model.save(folder, metadata={MARK: self.note})
