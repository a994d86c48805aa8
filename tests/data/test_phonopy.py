"""Phonopy's files, written by phonopy, against forces computed without it."""

import lzma

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from ase.units import Bohr, Rydberg

from softfix.data import LabelKeys, atoms_of, read_frames
from softfix.errors import SoftfixError

phonopy = pytest.importorskip("phonopy")
ORDERED = Atoms("CuAu", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=[2.8, 2.8, 3.7], pbc=True)  # L1_0
WRITTEN = 1e-7  # Å; phonopy writes 8 to 16 digits


def forces_of(atoms: Atoms) -> np.ndarray:
    atoms.calc = EMT()
    return atoms.get_forces()


def calculated(random: bool, length: float = 1.0, force: float = 1.0, calculator: str | None = None):
    """Phonopy calculation of ordered Cu-Au by EMT, in the units of another code: `length` Å, `force` eV/Å."""
    from phonopy.structure.atoms import PhonopyAtoms

    unit = ORDERED
    cell = PhonopyAtoms(
        unit.get_chemical_symbols(),
        cell=unit.cell.array / length,
        scaled_positions=unit.get_scaled_positions(),
    )
    phonon = phonopy.Phonopy(cell, np.diag([2, 2, 2]), primitive_matrix="P", calculator=calculator, log_level=0)
    options = {"number_of_snapshots": 3, "random_seed": 1} if random else {}
    phonon.generate_displacements(distance=0.03 / length, **options)
    displaced = [
        Atoms(one.symbols, one.positions * length, cell=one.cell * length, pbc=True)
        for one in phonon.supercells_with_displacements
    ]
    phonon.forces = np.array([forces_of(atoms) for atoms in displaced]) / force
    return phonon


def assert_frames_are_right(frames, count: int) -> None:
    assert len(frames) == count
    perfect = ORDERED * (2, 2, 2)
    for frame in frames:
        assert np.allclose(frame.forces, forces_of(atoms_of(frame)), atol=1e-7)
        assert np.abs(frame.forces).max() > 0.01
        assert frame.reference is frames[0].reference
        assert frame.energy is None
        moved = frame.positions - frame.reference.positions
        assert np.abs(moved).max() <= 0.03 + WRITTEN
        assert np.linalg.norm(moved, axis=1).max() == pytest.approx(0.03, abs=WRITTEN)
    reference = frames[0].reference
    assert reference.forces is None
    assert np.allclose(reference.cell, perfect.cell.array, atol=WRITTEN)
    assert np.abs(forces_of(atoms_of(reference))).max() < 1e-9


@pytest.mark.parametrize("random", [False, True], ids=["one atom at a time", "all atoms at random"])
class TestBothKindsOfDataSet:
    def test_params_yaml_alone_is_enough(self, tmp_path, random):
        phonon = calculated(random)
        phonon.save(tmp_path / "phonopy_params.yaml", settings={"force_sets": True, "displacements": True})
        assert_frames_are_right(read_frames(tmp_path / "phonopy_params.yaml"), len(phonon.forces))

    @pytest.mark.parametrize("named", ["phonopy_disp.yaml", "FORCE_SETS"])
    def test_displacements_and_force_sets_find_each_other(self, tmp_path, random, named):
        from phonopy.file_IO import write_FORCE_SETS

        phonon = calculated(random)
        phonon.save(tmp_path / "phonopy_disp.yaml", settings={"force_sets": False, "displacements": True})
        write_FORCE_SETS(phonon.dataset, filename=tmp_path / "FORCE_SETS")
        assert_frames_are_right(read_frames(tmp_path / named), len(phonon.forces))

    def test_units_of_quantum_espresso_are_converted(self, tmp_path, random):
        phonon = calculated(random, length=Bohr, force=Rydberg / Bohr, calculator="qe")
        phonon.save(tmp_path / "phonopy_params.yaml", settings={"force_sets": True, "displacements": True})
        assert_frames_are_right(read_frames(tmp_path / "phonopy_params.yaml"), len(phonon.forces))

    def test_units_of_abinit_are_converted(self, tmp_path, random):
        phonon = calculated(random, length=Bohr, calculator="abinit")
        phonon.save(tmp_path / "phonopy_params.yaml", settings={"force_sets": True, "displacements": True})
        assert_frames_are_right(read_frames(tmp_path / "phonopy_params.yaml"), len(phonon.forces))


def test_compressed_params_yaml_is_read(tmp_path):
    phonon = calculated(random=False)
    phonon.save(tmp_path / "phonopy_params.yaml", settings={"force_sets": True, "displacements": True})
    packed = tmp_path / "phonopy_params.yaml.xz"
    packed.write_bytes(lzma.compress((tmp_path / "phonopy_params.yaml").read_bytes()))
    assert_frames_are_right(read_frames(packed), len(phonon.forces))


@pytest.mark.parametrize(("named", "factor"), [("phonopy_params.yaml", 1.0), ("FORCE_SETS", 2.0)])
def test_forces_come_from_the_file_that_was_named(tmp_path, named, factor):
    from phonopy.file_IO import write_FORCE_SETS

    phonon = calculated(random=False)
    phonon.save(tmp_path / "phonopy_params.yaml", settings={"force_sets": True, "displacements": True})
    forces = phonon.forces
    phonon.forces = 2.0 * forces
    write_FORCE_SETS(phonon.dataset, filename=tmp_path / "FORCE_SETS")
    frames = read_frames(tmp_path / named)
    assert np.allclose([frame.forces for frame in frames], factor * forces, atol=WRITTEN)


def test_force_sets_in_the_working_folder_are_not_taken_for_another_folders(tmp_path, monkeypatch):
    from phonopy.file_IO import write_FORCE_SETS

    phonon = calculated(random=False)
    (tmp_path / "there").mkdir()
    phonon.save(tmp_path / "there" / "phonopy_disp.yaml", settings={"force_sets": False, "displacements": True})
    write_FORCE_SETS(phonon.dataset, filename=tmp_path / "FORCE_SETS")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SoftfixError, match=r"phonopy_disp\.yaml holds no forces: put FORCE_SETS beside it"):
        read_frames(tmp_path / "there" / "phonopy_disp.yaml")


def test_force_sets_without_its_yaml_is_told_what_to_put_beside_it(tmp_path):
    (tmp_path / "FORCE_SETS").write_text("8\n1\n")
    with pytest.raises(SoftfixError, match=r"FORCE_SETS needs the yaml of its supercell: put one of phonopy_params"):
        read_frames(tmp_path / "FORCE_SETS")


def test_force_sets_of_another_supercell_are_refused(tmp_path):
    from phonopy.file_IO import write_FORCE_SETS

    phonon = calculated(random=False)
    phonon.save(tmp_path / "phonopy_disp.yaml", settings={"force_sets": False, "displacements": True})
    dataset = phonon.dataset
    dataset["natom"] = 4
    for one in dataset["first_atoms"]:
        one["forces"] = one["forces"][:4]
    write_FORCE_SETS(dataset, filename=tmp_path / "FORCE_SETS")
    with pytest.raises(SoftfixError, match=r"FORCE_SETS cannot be read by phonopy"):
        read_frames(tmp_path / "FORCE_SETS")


def test_yaml_of_something_else_is_refused(tmp_path):
    (tmp_path / "list.yaml").write_text("milk: 2\n")
    with pytest.raises(SoftfixError, match=r"list\.yaml cannot be read by phonopy"):
        read_frames(tmp_path / "list.yaml")


def test_explicit_keys_are_refused_because_phonopy_has_its_own(tmp_path):
    calculated(random=False).save(tmp_path / "phonopy_params.yaml", settings={"force_sets": True})
    with pytest.raises(SoftfixError, match=r"phonopy_params\.yaml has no 'F' for the forces"):
        read_frames(tmp_path / "phonopy_params.yaml", LabelKeys(forces="F"))
