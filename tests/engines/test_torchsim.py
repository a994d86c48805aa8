"""TorchSim itself, with the corrected calculator as its model."""

import numpy as np
import pytest
from ase.stress import voigt_6_to_full_3x3_stress

from tests.conftest import alloy

ts = pytest.importorskip("torch_sim", reason="the torch-sim-atomistic package is not installed", exc_type=ImportError)
SAME = 1e-6


@pytest.fixture
def model(corrected):
    from softfix.engines.torchsim import CalculatorModel

    return CalculatorModel(corrected)


@pytest.fixture
def systems():
    return [alloy(1, size=1), alloy(2, size=1) * (2, 1, 1)]


def test_a_batch_has_the_numbers_of_ase(model, systems, corrected):
    found = model(ts.io.atoms_to_state(systems, model.device, model.dtype))
    forces = []
    for k, atoms in enumerate(systems):
        atoms.calc = corrected
        assert float(found["energy"][k]) == pytest.approx(atoms.get_potential_energy(), abs=SAME)
        stress = voigt_6_to_full_3x3_stress(atoms.get_stress())
        np.testing.assert_allclose(found["stress"][k].numpy(), stress, atol=SAME)
        forces.append(atoms.get_forces())
    np.testing.assert_allclose(found["forces"].numpy(), np.concatenate(forces), atol=SAME)


def test_a_batch_relaxes(model, systems):
    before = model(ts.io.atoms_to_state(systems, model.device, model.dtype))["forces"].abs().max()
    small = ts.generate_force_convergence_fn(force_tol=0.05, include_cell_forces=False)
    done = ts.optimize(systems, model, optimizer=ts.optimizers.fire, max_steps=60, convergence_fn=small)
    assert model(done)["forces"].abs().max() < 0.2 * before


def test_the_energy_of_a_run_is_conserved(model, systems):
    import torch

    state = ts.io.atoms_to_state(systems, model.device, model.dtype)
    units = ts.units.MetalUnits
    step, kT = torch.tensor(0.002 * units.time), torch.tensor(300 * units.temperature)
    init, update = ts.integrators.nve(model, dt=step, kT=kT)
    state = init(state, seed=1)
    totals, kinetic = [], None
    for _ in range(40):
        state = update(state)
        kinetic = ts.quantities.calc_kinetic_energy(
            masses=state.masses, momenta=state.momenta, system_idx=state.system_idx
        )
        totals.append((state.energy + kinetic).numpy())
    assert (np.ptp(totals, axis=0) < 0.05 * kinetic.numpy()).all()
