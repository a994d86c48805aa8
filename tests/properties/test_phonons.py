"""Phonons against those of a chain that pencil and paper give, and against known softening."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from vesin import NeighborList

from softfix.bases import load_base
from softfix.data import read_frames
from softfix.errors import SoftfixError
from softfix.fitting import fit
from softfix.properties.phonons import PhononSettings, analyse
from softfix.properties.run import Potentials, measure_property
from softfix.settings import FitSettings
from tests.conftest import SoftEMT
from tests.properties.conftest import frames_of

THZ = 15.633302  # sqrt(eV / (Å^2 amu)) / 2 pi (CODATA 2018)
KT_1000 = 20.836619  # THz, k_B 1000 K / h (CODATA 2018)
SPRING, ACROSS = 4.0, 1.5  # eV/Å^2
COARSE = {"mesh": 20.0, "path": 20}


class Springs(Calculator):
    """Harmonic springs between nearest neighbours of a simple cubic crystal, longitudinal and transverse."""

    implemented_properties = ("energy", "forces")
    spacing = 2.5  # Å

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        search = NeighborList(cutoff=1.2 * self.spacing, full_list=True)
        i, _, r = search.compute(atoms.positions, atoms.cell.array, [True] * 3, quantities="ijD")
        axis = np.eye(3)[np.abs(r).argmax(axis=1)] * np.sign(r[np.arange(len(r)), np.abs(r).argmax(axis=1)])[:, None]
        stretch = r - self.spacing * axis
        along = axis * np.sum(stretch * axis, axis=1)[:, None]
        pull = SPRING * along + ACROSS * (stretch - along)
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, i, pull)
        self.results = {"energy": 0.25 * float(np.sum(pull * stretch)), "forces": forces}


def displaced(unit: Atoms, repeats, calculator, distance=0.02):
    """Perfect supercell, one displacement per atom of the unit cell and direction, forces."""
    perfect = unit * repeats
    moves, forces = [], []
    for atom in range(len(unit)):
        for axis in range(3):
            moved = perfect.copy()
            moved.positions[atom, axis] += distance
            moved.calc = calculator
            moves.append(moved.positions - perfect.positions)
            forces.append(moved.get_forces())
    return perfect, np.array(moves), np.array(forces)


def test_a_diatomic_crystal_of_springs_has_the_frequencies_of_the_textbook():
    unit = Atoms("NaCl", [[0, 0, 0], [2.5, 0, 0]], cell=[[2.5, 2.5, 0], [2.5, 0, 2.5], [0, 2.5, 2.5]], pbc=True)
    cubic = bulk("NaCl", "rocksalt", a=5.0, cubic=True)
    found = analyse(*displaced(cubic, (2, 2, 2), Springs()), PhononSettings(**COARSE))
    reduced = 1.0 / (1.0 / unit.get_masses()).sum()
    # At the zone centre both sublattices move against each other: two longitudinal and four transverse springs each.
    optical = THZ * np.sqrt(2.0 * (SPRING + 2.0 * ACROSS) / reduced)
    assert found.arrays["frequencies"].max() == pytest.approx(optical, rel=1e-3)
    assert found.arrays["frequencies"].min() == pytest.approx(0.0, abs=1e-3)
    values = {value.quantity: value.value for value in found.values}
    assert values["imaginary modes"] == 0.0


def test_the_heat_capacity_tends_to_that_of_dulong_and_petit():
    found = analyse(
        *displaced(bulk("NaCl", "rocksalt", a=5.0, cubic=True), (2, 2, 2), Springs()), PhononSettings(**COARSE)
    )
    capacity = next(drawing for drawing in found.drawings if drawing.name == "heat-capacity").lines[0][1]
    quantum = 1.0 - np.mean((found.arrays["frequencies"] / KT_1000) ** 2) / 12.0  # next term at high temperature
    assert capacity[-1] == pytest.approx(3 * 8.314462618 * quantum, rel=2e-3)
    assert capacity[0] == pytest.approx(0.0, abs=1e-6)


@pytest.fixture
def phonopy_file(tmp_path):
    """Forces of EMT on displaced supercells of copper, as phonopy writes them."""
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    cubic = bulk("Cu", a=3.61, cubic=True)
    cell = PhonopyAtoms(numbers=cubic.numbers, cell=cubic.cell.array, positions=cubic.positions)
    phonon = Phonopy(cell, np.diag([2, 2, 2]), primitive_matrix="P", log_level=0)
    phonon.generate_displacements(distance=0.03)
    forces = []
    for one in phonon.supercells_with_displacements:
        atoms = Atoms(one.symbols, one.positions, cell=one.cell, pbc=True, calculator=EMT())
        forces.append(atoms.get_forces())
    phonon.forces = np.array(forces)
    phonon.save(tmp_path / "phonopy_params.yaml", settings={"force_sets": True, "displacements": True})
    return tmp_path / "phonopy_params.yaml"


def test_a_softened_base_shows_its_softening_and_a_correction_mends_it(tmp_path, phonopy_file):
    base = load_base(SoftEMT())
    settings = FitSettings(terms={"scale"}, domain="global")
    correction = fit(read_frames(phonopy_file), base, settings).correction
    copper = frames_of(bulk("Cu", a=3.61))
    potentials = Potentials(base, correction)
    result = measure_property("phonons", copper, potentials, tmp_path, phonopy_file, PhononSettings(**COARSE))
    frequency, slope = result.row("max frequency ratio"), result.row("force-constant slope")
    assert frequency.base == pytest.approx(np.sqrt(0.8), rel=1e-3)
    assert slope.base == pytest.approx(0.8, rel=1e-3)
    assert frequency.corrected == pytest.approx(1.0, abs=0.01)
    assert slope.corrected == pytest.approx(1.0, abs=0.01)
    assert result.row("max frequency").reference == pytest.approx(result.row("max frequency").corrected, rel=0.01)
    assert {path.name for path in (tmp_path / "phonons").glob("*.svg")} == {"bands.svg", "dos.svg", "heat-capacity.svg"}


def test_own_supercells_give_what_those_of_the_reference_give(tmp_path, phonopy_file):
    cubic = frames_of(bulk("Cu", a=3.61, cubic=True))
    settings = PhononSettings(supercell=(2, 2, 2), distance=0.03, relaxation={"force": 0.01, "steps": 0}, **COARSE)
    potentials = Potentials(load_base(EMT()))
    own = measure_property("phonons", cubic, potentials, tmp_path / "own", None, settings)
    other = measure_property("phonons", cubic, potentials, tmp_path / "other", phonopy_file, settings)
    assert own.row("max frequency").base == pytest.approx(other.row("max frequency").reference, rel=1e-4)


def test_a_supercell_smaller_than_the_cutoff_is_refused(tmp_path):
    settings = PhononSettings(supercell=(1, 1, 1))
    with pytest.raises(SoftfixError, match=r"1 x 1 x 1 is 2\.1 Å wide.*give at least supercell = \[3, 3, 3\]"):
        measure_property("phonons", frames_of(bulk("Cu")), Potentials(load_base(EMT())), tmp_path, None, settings)
    assert not (tmp_path / "phonons" / "result.json").exists()


def test_a_reference_of_another_compound_is_refused(tmp_path, phonopy_file):
    gold = frames_of(bulk("Au"))
    with pytest.raises(SoftfixError, match=r"phonopy_params\.yaml is Cu, but the structure .* is Au"):
        measure_property("phonons", gold, Potentials(load_base(EMT())), tmp_path, phonopy_file)


def test_an_unrelaxed_reference_is_refused(tmp_path, phonopy_file):
    import yaml

    content = yaml.safe_load(phonopy_file.read_text())
    for one in content["displacements"]:
        one["forces"] = [[f[0] + 0.1, f[1], f[2]] for f in one["forces"]]
    phonopy_file.write_text(yaml.safe_dump(content))
    with pytest.raises(SoftfixError, match=r"feels 0\.\d+ eV/Å far from the displaced atom.*not relaxed"):
        measure_property("phonons", frames_of(bulk("Cu")), Potentials(load_base(EMT())), tmp_path, phonopy_file)
