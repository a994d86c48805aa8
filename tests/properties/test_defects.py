"""Point defects of copper and ordered Cu-Au, by EMT and by pencil and paper."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from softfix.bases import load_base
from softfix.errors import SoftfixError
from softfix.properties.defects import DefectSettings
from softfix.properties.run import Potentials, measure_property
from tests.properties.conftest import frames_of
from tests.properties.test_eos import EPSILON, NEIGHBOURS_ONLY, SIGMA
from tests.properties.test_surfaces import _well

ORDERED = Atoms("CuAu", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=[2.83, 2.83, 3.72], pbc=True)  # L1_0


def test_a_vacancy_among_neighbour_bonds_costs_six_of_them(tmp_path):
    r = 2 ** (1 / 6) * SIGMA
    base = load_base(LennardJones(sigma=SIGMA, epsilon=EPSILON, rc=NEIGHBOURS_ONLY))
    settings = DefectSettings(width=7.0, relaxation={"force": 0.001})
    start = frames_of(bulk("Cu", a=r * np.sqrt(2)))
    result = measure_property("defects", start, Potentials(base), tmp_path, None, settings)
    # Twelve bonds are cut and the atom's own half of twelve is won back; its neighbours hardly move.
    assert result.row("vacancy Cu").base == pytest.approx(-6 * _well(r), rel=0.02)


def test_exchange_and_interstitial_of_an_ordered_alloy(tmp_path):
    settings = DefectSettings(width=6.5, interstitials=[("Cu", 0.5, 0.0, 0.25)], relaxation={"force": 0.05})
    structures = frames_of(ORDERED, bulk("Cu"), bulk("Au"))
    result = measure_property("defects", structures, Potentials(load_base(EMT())), tmp_path, None, settings)
    found = {row.quantity: row.base for row in result.rows}
    assert set(found) == {"vacancy Cu", "vacancy Au", "antisite pair Au-Cu", "interstitial Cu (0.5 0 0.25)"}
    assert all(energy > 0.0 for energy in found.values())


def test_a_vacancy_without_a_reservoir_and_a_small_supercell_are_refused(tmp_path):
    potentials, small = Potentials(load_base(EMT())), DefectSettings(supercell=(1, 1, 1))
    with pytest.raises(SoftfixError, match=r"atoms of Au go to or come from a reservoir, which is missing"):
        measure_property("defects", frames_of(ORDERED), potentials, tmp_path, None, DefectSettings(width=6.5))
    with pytest.raises(SoftfixError, match=r"supercell of 1 x 1 x 1 is 2\.1 Å wide"):
        measure_property("defects", frames_of(bulk("Cu")), potentials, tmp_path, None, small)
