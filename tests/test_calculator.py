"""The corrected calculator in ASE: sums, derivatives, conservation, and drop-in manners."""

import copy
import pickle

import numpy as np
import pytest
from ase import units
from ase.calculators.calculator import all_properties
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from ase.md.verlet import VelocityVerlet
from ase.mep import NEB
from ase.optimize import BFGS

import softfix
from softfix.calculator import CorrectedCalculator
from softfix.errors import SoftfixError
from softfix.fitting import fit
from tests.conftest import SoftEMT, alloy
from tests.test_fit import QUICK

STEP = 1e-4


@pytest.fixture(scope="module")
def correction(tmp_path_factory):
    from softfix.evaluations import EvaluationCache
    from tests.conftest import labelled

    base = softfix.load_base(SoftEMT())
    cache = EvaluationCache(base.identity.key, tmp_path_factory.mktemp("cache"))
    return fit([labelled(alloy(seed)) for seed in range(4)], base, QUICK, cache).correction


@pytest.fixture
def corrected(correction):
    return CorrectedCalculator(SoftEMT(), correction)


@pytest.fixture
def atoms(corrected):
    atoms = alloy(8)
    atoms.calc = corrected
    return atoms


def test_forces_are_minus_the_derivative_of_the_energy(atoms):
    forces = atoms.get_forces()
    for atom, axis in ((0, 0), (5, 1), (17, 2)):
        energies = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.calc = atoms.calc
            moved.positions[atom, axis] += sign * STEP
            energies.append(moved.get_potential_energy())
        numeric = -(energies[0] - energies[1]) / (2 * STEP)
        assert forces[atom, axis] == pytest.approx(numeric, abs=1e-6 * np.abs(forces).max())


def test_stress_is_the_strain_derivative_of_the_energy_over_the_volume(atoms):
    stress = atoms.get_stress()
    for voigt, (a, b) in enumerate(((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))):
        strain = np.zeros((3, 3))
        strain[a, b] += STEP / 2
        strain[b, a] += STEP / 2
        energies = []
        for sign in (1, -1):
            strained = atoms.copy()
            strained.calc = atoms.calc
            strained.set_cell(atoms.cell.array @ (np.eye(3) + sign * strain), scale_atoms=True)
            energies.append(strained.get_potential_energy())
        numeric = (energies[0] - energies[1]) / (2 * STEP) / atoms.get_volume()
        assert stress[voigt] == pytest.approx(numeric, abs=1e-6 * np.abs(stress).max())


def test_zero_correction_is_the_base_bit_for_bit(correction):
    atoms, bare = alloy(8), alloy(8)
    atoms.calc, bare.calc = CorrectedCalculator(SoftEMT(), correction.zeroed()), SoftEMT()
    assert atoms.get_potential_energy() == bare.get_potential_energy()
    assert np.array_equal(atoms.get_forces(), bare.get_forces())
    assert np.array_equal(atoms.get_stress(), bare.get_stress())


def test_results_are_the_base_part_plus_the_correction_part(atoms):
    atoms.get_stress()
    extra, results = atoms.calc.extra_results, atoms.calc.results
    bare = alloy(8)
    bare.calc = SoftEMT()
    assert extra["base_energy"] == bare.get_potential_energy()
    assert np.array_equal(extra["base_forces"], bare.get_forces())
    assert results["energy"] == extra["base_energy"] + extra["correction_energy"]
    assert np.array_equal(results["forces"], extra["base_forces"] + extra["correction_forces"])
    assert np.array_equal(results["stress"], extra["base_stress"] + extra["correction_stress"])


def test_results_hold_only_names_that_ase_knows(atoms):
    atoms.get_stress()
    assert set(atoms.calc.results) <= set(all_properties)
    assert isinstance(atoms.calc.results["energy"], float)
    assert atoms.calc.results["forces"].dtype == np.float64
    assert atoms.calc.results["stress"].shape == (6,)


def test_uncertainty_is_there_when_it_is_asked_for(atoms):
    atoms.get_potential_energy()
    extra = atoms.calc.extra_results
    assert {"uncertainty_energy", "uncertainty_forces", "uncertainty_stress"} <= set(extra)
    assert extra["uncertainty_energy"] > 0.0
    assert extra["uncertainty_forces"].shape == (len(atoms), 3)
    assert (extra["uncertainty_forces"] > 0.0).all()
    assert extra["uncertainty_stress"].shape == (6,)


def drift(calculator, steps=1000):
    """Change of the total energy per atom over an NVE run at 300 K, fitted line, and its fluctuation."""
    atoms = alloy(8, size=1, rattle=0.02) * (2, 2, 2)
    atoms.calc = calculator
    thermalize_momenta(atoms, temperature_K=300, rng=np.random.default_rng(0))
    Stationary(atoms)
    run, energies = VelocityVerlet(atoms, 2 * units.fs), []
    run.attach(lambda: energies.append(atoms.get_total_energy() / len(atoms)))
    run.run(steps)
    time = np.arange(len(energies))
    slope = np.polyfit(time, energies, 1)[0]
    return abs(slope) * steps, np.std(energies)


def test_nve_drifts_no_more_than_with_the_base(corrected):
    (base_drift, base_noise), (drift_, noise) = drift(SoftEMT()), drift(corrected)
    assert drift_ <= base_drift + 0.2 * base_noise
    assert noise < 3 * base_noise


def test_energy_does_not_change_under_rotation_and_permutation(atoms):
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    turned = atoms.copy()
    turned.rotate(37, (1, 2, 3), rotate_cell=True)
    turned.calc = atoms.calc
    assert turned.get_potential_energy() == pytest.approx(energy, abs=1e-9)
    order = np.random.default_rng(0).permutation(len(atoms))
    mixed = atoms[order]
    mixed.calc = atoms.calc
    assert mixed.get_potential_energy() == pytest.approx(energy, abs=1e-9)
    assert np.allclose(mixed.get_forces(), forces[order], atol=1e-9)


def test_energy_is_extensive(atoms):
    doubled = atoms * (2, 1, 1)
    doubled.calc = atoms.calc
    assert doubled.get_potential_energy() == pytest.approx(2 * atoms.get_potential_energy(), rel=1e-9)


def test_a_copy_and_a_pickle_give_the_same_numbers(corrected, atoms):
    pickled = pickle.dumps(corrected)  # before its first use, after which EMT itself cannot be pickled
    energy = atoms.get_potential_energy()
    for other in (copy.deepcopy(corrected), pickle.loads(pickled)):
        fresh = alloy(8)
        fresh.calc = other
        assert fresh.get_potential_energy() == energy


def test_unchanged_atoms_are_not_evaluated_again(atoms):
    atoms.get_potential_energy()
    atoms.calc.base.calculate = lambda *_: pytest.fail("evaluated again")
    atoms.get_forces()
    atoms.get_stress()


def test_relaxation_of_atoms_and_cell_ends_without_force(corrected):
    atoms = alloy(2, size=1)
    atoms.calc = corrected
    assert BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=0.02, steps=200)


def test_one_calculator_serves_a_whole_band(corrected):
    start = alloy(2, size=1)
    end = start.copy()
    end.positions[0] += 0.3
    images = [start, start.copy(), start.copy(), end]
    for image in images:
        image.calc = corrected
    band = NEB(images, allow_shared_calculator=True, method="improvedtangent")
    band.interpolate()
    assert np.isfinite(band.get_forces()).all()


def test_an_unknown_element_is_left_to_the_base_with_one_warning(corrected):
    atoms, bare = alloy(3), alloy(3)
    for each in (atoms, bare):
        each.symbols[:] = "Ag"
    atoms.calc, bare.calc = corrected, SoftEMT()
    with pytest.warns(UserWarning, match="Ag: not among the elements"):
        energy = atoms.get_potential_energy()
    assert energy == bare.get_potential_energy()
    assert np.array_equal(atoms.get_forces(), bare.get_forces())


def test_a_molecule_without_a_cell_has_forces_and_no_stress(corrected):
    atoms = alloy(3, size=1)
    atoms.pbc, atoms.cell = False, None
    atoms.calc = corrected
    assert np.isfinite(atoms.get_forces()).all()


def test_a_file_is_loaded_with_its_base_rebuilt(correction, tmp_path):
    correction.save(tmp_path / "toy.softfix")
    with pytest.raises(SoftfixError, match="object in Python"):
        softfix.load(tmp_path / "toy.softfix")
    atoms = alloy(8)
    atoms.calc = softfix.load(tmp_path / "toy.softfix", base=SoftEMT())
    assert np.isfinite(atoms.get_potential_energy())


def test_the_wrong_base_is_refused_unless_overridden(correction):
    with pytest.raises(SoftfixError, match="any_base"):
        CorrectedCalculator(EMT(), correction)
    assert CorrectedCalculator(EMT(), correction, any_base=True)
