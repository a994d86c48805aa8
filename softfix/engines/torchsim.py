"""TorchSim: batches of systems that relax or move together.

Source: Cohen et al., AI Sci. (2025), doi:10.1088/3050-287X/ae1799
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.stress import voigt_6_to_full_3x3_stress
from torch_sim.models.interface import ModelInterface


class CalculatorModel(ModelInterface):
    """An ASE calculator, e.g. `softfix.load("my.softfix")`, as a model of TorchSim.

    The systems of a batch are evaluated one after another. Energies are in eV, forces in eV/Å, stresses in eV/Å^3,
    tension positive.
    """

    def __init__(self, calculator: Any, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float64):
        """Wrap a calculator; results are given on `device` in `dtype`."""
        super().__init__()
        self._device, self._dtype = torch.device(device), dtype
        self._compute_forces, self._compute_stress = True, "stress" in calculator.implemented_properties
        self.calculator = calculator

    def forward(self, state: Any, **_: Any) -> dict[str, torch.Tensor]:
        """Energies (systems,), forces (atoms, 3) and stresses (systems, 3, 3) of a state or its dictionary."""
        if isinstance(state, dict):
            import torch_sim

            state = torch_sim.SimState(**state, masses=torch.ones_like(state["positions"][:, 0]))
        systems = [self._one(atoms) for atoms in _systems(state)]
        energy, forces, stress = zip(*systems, strict=True)
        found = {"energy": np.array(energy), "forces": np.concatenate(forces)}
        if self._compute_stress:
            found["stress"] = np.stack(stress)
        return {name: torch.as_tensor(value, device=self.device, dtype=self.dtype) for name, value in found.items()}

    def _one(self, atoms: Atoms) -> tuple[float, np.ndarray, np.ndarray | None]:
        atoms.calc = self.calculator
        energy = atoms.get_potential_energy(force_consistent=True)
        stress = voigt_6_to_full_3x3_stress(atoms.get_stress()) if self._compute_stress else None
        return energy, atoms.get_forces(), stress


def _systems(state: Any) -> list[Atoms]:
    positions, cells, numbers, index = (
        tensor.detach().cpu().numpy()
        for tensor in (state.positions, state.row_vector_cell, state.atomic_numbers, state.system_idx)
    )
    return [Atoms(numbers[index == k], positions[index == k], cell=cell, pbc=state.pbc) for k, cell in enumerate(cells)]
