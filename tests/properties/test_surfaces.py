"""Surface energies: of bonds cut between neighbours, of copper, and what is refused."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from softfix.bases import load_base
from softfix.errors import SoftfixError
from softfix.properties.run import Potentials, measure_property
from softfix.properties.surfaces import JOULE, SurfaceSettings, cut
from tests.properties.conftest import frames_of
from tests.properties.test_eos import EPSILON, NEIGHBOURS_ONLY, SIGMA


def test_neighbour_bonds_cut_give_the_unrelaxed_energies_of_pencil_and_paper(tmp_path):
    base = load_base(LennardJones(sigma=SIGMA, epsilon=EPSILON, rc=NEIGHBOURS_ONLY))
    r = 2 ** (1 / 6) * SIGMA
    start = frames_of(bulk("Cu", a=r * np.sqrt(2)))
    settings = SurfaceSettings(indices=[(1, 0, 0), (1, 1, 1)], thickness=8.0, vacuum=8.0, relaxation={"force": 0.001})
    result = measure_property("surfaces", start, Potentials(base), tmp_path, None, settings)
    depth = -_well(r)
    # A bond is shared by two surfaces: (100) cuts 4 bonds per atom of area r^2, (111) 3 per r^2 sqrt(3) / 2.
    for name, bonds, area in (("(100)", 4, r**2), ("(111)", 3, r**2 * np.sqrt(3) / 2)):
        expected = bonds * depth / (2 * area) * JOULE
        assert result.row(f"surface energy {name}, unrelaxed").base == pytest.approx(expected, rel=1e-3)
        assert result.row(f"surface energy {name}, relaxed").base <= expected + 1e-6


def _well(r):
    """Energy of a bond as ASE has it, shifted to vanish at the cutoff (eV)."""
    pair = lambda x: 4 * EPSILON * ((SIGMA / x) ** 12 - (SIGMA / x) ** 6)  # noqa: E731
    return pair(r) - pair(NEIGHBOURS_ONLY)


def test_a_slab_too_thin_and_a_vacuum_too_small_are_refused(tmp_path):
    potentials, copper = Potentials(load_base(EMT())), frames_of(bulk("Cu"))
    thin, near = SurfaceSettings(indices=[(1, 0, 0)], layers=1), SurfaceSettings(vacuum=2.0)
    with pytest.raises(SoftfixError, match=r"\(100\) slab of 1 layers is 1\.8 Å thick.*each other: give layers = 3"):
        measure_property("surfaces", copper, potentials, tmp_path, None, thin)
    with pytest.raises(SoftfixError, match=r"vacuum of 2 Å is less than the cutoff"):
        measure_property("surfaces", copper, potentials, tmp_path, None, near)


@pytest.mark.parametrize("index", [(1, 0, 0), (1, 1, 0), (1, 1, 1), (2, 1, 0)])
def test_rounding_moves_no_atom_to_the_other_side_of_a_slab(index):
    crystal = bulk("Cu", a=3.6, cubic=True)
    whole = cut(crystal, index, 3, 8.0)
    for seed in range(8):
        noisy = crystal.copy()
        noisy.rattle(1e-13, seed=seed)
        assert np.ptp(cut(noisy, index, 3, 8.0).positions[:, 2]) == pytest.approx(
            np.ptp(whole.positions[:, 2]), abs=1e-6
        )
