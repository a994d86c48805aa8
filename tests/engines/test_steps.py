"""Many steps of one calculator: nothing is compiled twice, and what others take is taken as it is."""

import copy
import pickle

import jax
import numpy as np
import pytest
from ase import units
from ase.md.melchionna import MelchionnaNPT
from ase.md.velocitydistribution import Stationary, thermalize_momenta

from tests.conftest import alloy


def test_npt_compiles_nothing_after_its_first_steps(corrected):
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, *_, **__: compiled.append(name) if name.endswith("backend_compile_duration") else None
    )
    atoms = alloy(1)
    atoms.set_cell(np.diag(np.diag(atoms.cell.array)), scale_atoms=True)
    atoms.calc = corrected
    thermalize_momenta(atoms, temperature_K=600, rng=np.random.default_rng(0))
    Stationary(atoms)
    stiffness = 100 * units.GPa * (200 * units.fs) ** 2
    run = MelchionnaNPT(
        atoms, 4 * units.fs, temperature_K=600, externalstress=0.0, ttime=40 * units.fs, pfactor=stiffness
    )
    run.run(20)
    assert compiled
    compiled.clear()
    before = atoms.get_volume()
    run.run(60)
    assert abs(atoms.get_volume() / before - 1.0) > 1e-3
    assert not compiled


def test_a_calculator_that_was_used_can_be_copied_without_computing_error_bars(corrected, monkeypatch):
    atoms = alloy(1, size=1)
    atoms.calc = corrected
    forces = atoms.get_forces()
    monkeypatch.setattr("softfix.calculator.uncertainty", lambda *_: pytest.fail("error bars were computed"))
    other = atoms.copy()
    other.calc = copy.deepcopy(corrected)
    np.testing.assert_array_equal(other.get_forces(), forces)
    assert isinstance(pickle.loads(pickle.dumps(corrected.extra_results)), dict)


def test_matcalc_takes_the_calculator_as_it_is(corrected):
    matcalc = pytest.importorskip("matcalc", reason="the matcalc package is not installed", exc_type=ImportError)
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = alloy(2, size=1)
    relaxed = matcalc.RelaxCalc(corrected, fmax=0.05, max_steps=200, relax_cell=True)
    found = relaxed.calc(AseAtomsAdaptor.get_structure(atoms))
    atoms.calc = corrected
    assert found["energy"] < atoms.get_potential_energy()
    end = AseAtomsAdaptor.get_atoms(found["final_structure"])
    end.calc = corrected
    assert np.abs(end.get_forces()).max() < 0.1
