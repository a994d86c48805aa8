"""Which of several labels a frame gets, and what a label must look like."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

from softfix.data import LabelKeys, atoms_of, frame_of
from softfix.errors import SoftfixError

FORCES = np.arange(6.0).reshape(2, 3)


def pair(**info) -> Atoms:
    atoms = Atoms("HfO", positions=[[0, 0, 0], [0, 0, 2]], cell=[4, 5, 6], pbc=True)
    atoms.info.update(info)
    return atoms


def test_explicit_keys_go_before_ref_keys_before_calculator_results():
    atoms = pair(dft_energy=-3.0, REF_energy=-2.0)
    atoms.arrays["dft_forces"], atoms.arrays["REF_forces"] = 3 * FORCES, 2 * FORCES
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=FORCES, stress=np.arange(6.0))

    explicit = frame_of(atoms, LabelKeys(energy="dft_energy", forces="dft_forces", stress="stress"))
    assert (explicit.energy, explicit.labels_from) == (-3.0, "dft_energy, dft_forces, stress")
    assert np.array_equal(explicit.forces, 3 * FORCES)

    usual = frame_of(atoms)
    assert (usual.energy, usual.labels_from) == (-2.0, "REF_energy, REF_forces, stress")
    assert np.array_equal(usual.forces, 2 * FORCES)
    assert np.array_equal(usual.stress, np.arange(6.0))


def test_free_energy_is_preferred_because_forces_are_its_derivative():
    atoms = pair()
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, free_energy=-1.5, forces=FORCES)
    frame = frame_of(atoms)
    assert frame.energy == -1.5
    assert frame.labels_from == "free_energy, forces"


def test_virials_become_the_stress_that_emt_computes():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    atoms.calc = EMT()
    stress = atoms.get_stress(voigt=False)
    bare = atoms.copy()
    bare.info["REF_virials"] = (-stress * atoms.get_volume()).ravel()
    assert np.allclose(frame_of(bare).stress, atoms.get_stress(), atol=1e-14)
    bare.info["w"] = bare.info.pop("REF_virials")
    assert np.allclose(frame_of(bare, LabelKeys(virials="w")).stress, atoms.get_stress(), atol=1e-14)


def test_results_from_before_the_atoms_moved_are_no_labels():
    atoms = bulk("Cu", cubic=True)
    atoms.calc = EMT()
    atoms.get_potential_energy()
    assert frame_of(atoms).energy == atoms.get_potential_energy()
    atoms.positions[0, 0] += 0.1
    assert frame_of(atoms).energy is None


def test_config_type_and_level_come_along_and_labels_do_not_go_back_to_atoms():
    frame = frame_of(pair(config_type="phase:cubic", level="PBE", REF_energy=1.0))
    assert (frame.config_type, frame.level) == ("phase:cubic", "PBE")
    atoms = atoms_of(frame)
    assert not atoms.info
    assert atoms.calc is None
    assert atoms == pair()


def test_molecule_keeps_its_open_boundaries():
    frame = frame_of(molecule("H2O"))
    assert not frame.pbc.any()
    assert frame.volume == 0.0


@pytest.mark.parametrize(
    ("atoms", "said"),
    [
        (pair(REF_energy="low"), "here: 'REF_energy' should be numbers but reads 'low'"),
        (pair(REF_energy=[1.0, 2.0]), "here: the energy under 'REF_energy' should be 1 number but has 2"),
        (pair(REF_stress=np.ones(5)), "here: 'REF_stress' has 5 numbers: give 6 in Voigt order"),
        (
            pair(REF_forces=FORCES[:1]),
            r"here: the forces under 'REF_forces' have the shape \(1, 3\) .* \(2, 3\)",
        ),
        (
            Atoms("H", pbc=False, info={"REF_virials": np.ones(6)}),
            "here: 'REF_virials' needs a cell with a volume .* this frame's is 0 Å",
        ),
    ],
    ids=["words", "two energies", "five stresses", "one force", "virials of a molecule"],
)
def test_label_of_a_wrong_form_is_told_with_its_key_and_value(atoms, said):
    with pytest.raises(SoftfixError, match=said):
        frame_of(atoms, source="here")
