"""Site energies of the real bases: sums, slopes of weighted sums, and no trace left behind."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from softfix.bases import load_base
from softfix.bases.sites import has_sites

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


def test_a_batch_gives_what_its_structures_give_alone(base, atoms):
    from softfix.bases.sites import BatchBase

    if not isinstance(base, BatchBase):
        pytest.skip(f"{base.identity.family} is not evaluated in batches")
    calculator, other = base.calculator(), atoms * (2, 1, 1)
    other.rattle(0.05, seed=2)
    for structure, found in zip((atoms, other), base.batch(calculator, [atoms, other]), strict=True):
        one = base.sites(calculator, structure, np.ones(len(structure)))
        np.testing.assert_allclose(found.energies, one.energies, atol=1e-5)
        np.testing.assert_allclose(found.forces, one.forces, atol=1e-5)
        np.testing.assert_allclose(found.stress, one.stress, atol=1e-6)
        assert found.results["energy"] == pytest.approx(one.results["energy"], abs=1e-5 * len(structure))
