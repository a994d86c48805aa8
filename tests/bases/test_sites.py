"""Site energies of the real bases: sums, slopes of weighted sums, and no trace left behind."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from softfix.bases import load_base
from softfix.bases.sites import has_sites, in_batches
from softfix.bases.undisturbed import undisturbed
from softfix.data.frames import Frame
from softfix.evaluations import evaluate_base

FINE_TUNED = {"softfix": {"before_matgl_3": False}}  # so that random weights need not pass for physics
MACE_SMALL = Path(__file__).parents[2] / "calibration" / "mace-small" / "mace-small.model"


@pytest.fixture(params=["chgnet", "matgl", "mace"])
def base(request):
    if request.param == "chgnet":
        pytest.importorskip("chgnet")
        return load_base("chgnet")
    if request.param == "matgl":
        pytest.importorskip("matgl")
        folder = request.getfixturevalue("shared") / "weights/M3GNet-MP-2021.2.8-PES"
        return load_base(f"matgl:{folder}")
    pytest.importorskip("mace")
    return load_base(f"mace:{MACE_SMALL}")


@pytest.fixture
def atoms(base):
    symbol = "Si" if 14 in base.elements else "Hf"
    crystal = bulk(symbol, "diamond" if symbol == "Si" else "fcc", a=5.43 if symbol == "Si" else 4.5, cubic=True)
    crystal.rattle(0.08, seed=1)
    return crystal


def test_site_energies_add_and_their_slopes_are_weighted(base, atoms):
    assert has_sites(base)
    calculator = base.calculator()
    atoms.calc = calculator
    forces, stress = atoms.get_forces(), atoms.get_stress()
    whole = base.sites(calculator, atoms, np.ones(len(atoms)))
    assert whole.results["energy"] == atoms.get_potential_energy()
    np.testing.assert_allclose(whole.forces, forces, atol=1e-6)
    np.testing.assert_allclose(whole.stress, stress, atol=1e-7)
    assert not base.sites(calculator, atoms, np.zeros(len(atoms))).forces.any()
    weights = np.linspace(0.1, 1.0, len(atoms))
    half = base.sites(calculator, atoms, weights)
    np.testing.assert_array_equal(half.energies, whole.energies)
    assert half.results["energy"] == whole.results["energy"]
    step = 5e-3
    ends = []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.positions[1, 0] += sign * step
        ends.append(weights @ base.sites(calculator, moved, weights).energies)
    assert half.forces[1, 0] == pytest.approx(-(ends[0] - ends[1]) / (2 * step), abs=0.02 * np.abs(forces).max())
    np.testing.assert_array_equal(atoms.get_forces(), forces)


def test_differences_of_site_energies_are_those_of_the_total(base, atoms):
    calculator = base.calculator()
    other = atoms.copy()
    other.rattle(0.05, seed=2)
    totals, sums = [], []
    for structure in (atoms, other):
        structure.calc = calculator
        totals.append(structure.get_potential_energy())
        sums.append(base.sites(calculator, structure, np.ones(len(structure))).energies.sum())
    assert sums[0] - sums[1] == pytest.approx(totals[0] - totals[1], abs=1e-3)


def assert_alone_as_in_a_batch(base, structures, noise):
    """Whatever a batch gives, each of its structures gives alone; `noise` of energies per atom and forces."""
    assert in_batches(base)
    calculator = base.calculator()
    for structure, found in zip(structures, base.batch(calculator, structures), strict=True):
        alone = base.sites(calculator, structure, np.ones(len(structure)))
        np.testing.assert_allclose(found.energies, alone.energies, atol=noise)
        np.testing.assert_allclose(found.forces, alone.forces, atol=noise)
        assert found.results["energy"] == pytest.approx(alone.results["energy"], abs=noise * len(structure))
        assert found.results["free_energy"] == found.results["energy"]
        if structure.cell.rank == 3:
            np.testing.assert_allclose(found.stress, alone.stress, atol=0.1 * noise)
        else:
            assert found.stress is None


def test_a_batch_gives_what_its_structures_give_alone(base, atoms):
    noise = 1e-9 if base.identity.family == "mace" else 1e-5  # float64; float32
    other = atoms * (2, 1, 1)
    other.rattle(0.05, seed=2)
    other.set_cell(other.cell.array @ [[1.02, 0.03, 0.0], [0.0, 0.97, 0.01], [0.0, 0.0, 1.05]], scale_atoms=True)
    assert_alone_as_in_a_batch(base, [other, atoms, atoms[:3], other], noise)
    assert_alone_as_in_a_batch(base, [atoms], noise)
    if base.identity.family != "chgnet":  # which knows crystals alone
        molecule = Atoms(atoms.symbols[:4], [[0, 0, 0], [2.3, 0, 0], [0, 2.4, 0], [0.5, 0.3, 2.2]])
        assert_alone_as_in_a_batch(base, [atoms, molecule], noise)


@pytest.mark.parametrize("architecture", ["SO3Net", "TensorNet", "QET", "M3GNet"])
def test_all_architectures_of_matgl_that_sum_atoms_are_batched(architecture, tmp_path):
    """With random weights: that they add up does not depend on them."""
    pytest.importorskip("matgl")
    with undisturbed():
        import torch
        from matgl.apps.pes import Potential
        from matgl.models import QET, M3GNet, SO3Net, TensorNet

        torch.manual_seed(0)
        kind = {"SO3Net": SO3Net, "TensorNet": TensorNet, "QET": QET, "M3GNet": M3GNet}[architecture]
        model = kind(element_types=("Cu", "Au"), is_intensive=False)
        charges = {"calc_charge": True} if architecture == "QET" else {}
        Potential(model, data_std=2.0, element_refs=[-1.0, -2.0], **charges).save(tmp_path, metadata=FINE_TUNED)
    structures = [bulk("CuAu", "rocksalt", a=a, cubic=True) for a in (5.0, 5.3)]
    for structure in structures:
        structure.rattle(0.1, seed=1)
    assert_alone_as_in_a_batch(load_base(f"matgl:{tmp_path}"), structures, 1e-5)


def test_a_potential_of_crystals_is_evaluated_one_by_one(base, atoms, monkeypatch):
    """What does not sum atoms has neither site energies nor batches."""
    monkeypatch.setattr(type(base), "has_sites", False)
    monkeypatch.setattr(type(base), "batch", None)
    structures = [Frame(atoms.numbers, atoms.positions + shift, atoms.cell.array, atoms.pbc) for shift in (0.0, 0.1)]
    first, second = evaluate_base(base, structures, sites=True)
    assert first.sites is None
    assert first.energy == pytest.approx(second.energy, abs=1e-3)
