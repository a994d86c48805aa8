"""Elastic tensors: the number of constants of each system, and Lennard-Jones and springs by pencil and paper."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from softfix.bases import load_base
from softfix.properties.elasticity import (
    ElasticitySettings,
    determining_strains,
    findings_of,
    point_group,
    solve,
    symmetric_tensors,
)
from softfix.properties.run import Potentials, measure_property
from tests.properties.conftest import frames_of
from tests.properties.test_eos import EPSILON, NEIGHBOURS_ONLY, SIGMA

TRICLINIC = Atoms("CuAu", [[0, 0, 0], [1.1, 1.3, 1.7]], cell=[[3, 0, 0], [0.3, 3.3, 0], [0.5, 0.2, 4.1]], pbc=True)
SYSTEMS = {
    "cubic": (bulk("Cu"), 3, [0, 3]),
    "hexagonal": (bulk("Mg"), 5, [0, 2, 3]),
    "tetragonal": (Atoms("Sn", cell=[3, 3, 4], pbc=True), 6, [0, 2, 3, 5]),
    "orthorhombic": (Atoms("Ga", cell=[3, 3.5, 4], pbc=True), 9, [0, 1, 2, 3, 4, 5]),
    "triclinic": (TRICLINIC, 21, [0, 1, 2, 3, 4, 5]),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_crystal_system_has_its_number_of_constants_and_few_strains_tell_them(name):
    atoms, count, strains = SYSTEMS[name]
    basis = symmetric_tensors(point_group(atoms, 1e-3))
    assert len(basis) == count
    directions = determining_strains(basis)
    assert directions == strains
    truth = np.tensordot(np.random.default_rng(0).normal(size=count), basis, 1)
    assert np.allclose(solve(basis, directions, truth[:, directions].T), truth, atol=1e-9)


def test_an_isotropic_solid_has_its_two_moduli():
    bulk_modulus, shear = 100.0, 40.0
    C = np.zeros((6, 6))
    C[:3, :3] = bulk_modulus - 2.0 * shear / 3.0
    C[range(6), range(6)] += [2.0 * shear] * 3 + [shear] * 3
    found = findings_of(C)
    values = {value.quantity: value.value for value in found.values}
    assert values["bulk modulus (Hill)"] == pytest.approx(bulk_modulus)
    assert values["shear modulus (Hill)"] == pytest.approx(shear)
    assert np.allclose(found.drawings[0].lines[0][1], values["Young's modulus (Hill)"])


def test_lennard_jones_neighbours_have_the_constants_of_pencil_and_paper(tmp_path):
    base = load_base(LennardJones(sigma=SIGMA, epsilon=EPSILON, rc=NEIGHBOURS_ONLY))
    start = frames_of(bulk("Cu", a=2 ** (1 / 6) * SIGMA * np.sqrt(2) * 1.005))
    settings = ElasticitySettings(strain=0.001, relaxation={"force": 1e-5})
    result = measure_property("elasticity", start, Potentials(base), tmp_path, None, settings)
    r, stiffness = 2 ** (1 / 6) * SIGMA, 72.0 * EPSILON / (2 ** (1 / 3) * SIGMA**2)
    C44 = stiffness / (np.sqrt(2) * r) / units.GPa  # fcc, neighbours alone: C11 = 2 C12 = 2 C44
    assert result.row("C11").base == pytest.approx(2.0 * C44, rel=2e-3)
    assert result.row("C12").base == pytest.approx(C44, rel=2e-3)
    assert result.row("C44").base == pytest.approx(C44, rel=2e-3)
    assert result.row("bulk modulus (Hill)").base == pytest.approx(4.0 / 3.0 * C44, rel=2e-3)
    assert {row.quantity for row in result.rows if row.quantity.startswith("C")} >= {"C11", "C22", "C33", "C66"}
    assert "C14" not in {row.quantity for row in result.rows}


def test_a_crystal_has_the_same_tensor_in_its_primitive_and_in_its_cubic_cell(tmp_path):
    settings = ElasticitySettings(relaxation={"force": 0.002})
    potentials = Potentials(load_base(EMT()))
    small = measure_property("elasticity", frames_of(bulk("Cu", a=3.6)), potentials, tmp_path / "1", None, settings)
    large = frames_of(bulk("Cu", a=3.6, cubic=True))
    cubic = measure_property("elasticity", large, potentials, tmp_path / "2", None, settings)
    for name in ("C11", "C12", "C44"):
        assert small.row(name).base == pytest.approx(cubic.row(name).base, rel=5e-3)
