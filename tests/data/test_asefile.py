"""Files of other codes, through ASE."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write
from ase.units import GPa

from softfix.data import read_frames
from softfix.errors import SoftfixError

VASPRUN = """<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
 <generator><i name="program" type="string">vasp</i><i name="version" type="string">6.4.2</i></generator>
 <kpoints><varray name="kpointlist"><v>0 0 0</v></varray><varray name="weights"><v>1</v></varray></kpoints>
 <parameters></parameters>
 <atominfo>
  <atoms>2</atoms><types>2</types>
  <array name="atoms"><set><rc><c>Na</c><c>1</c></rc><rc><c>Cl</c><c>2</c></rc></set></array>
 </atominfo>
 <structure name="initialpos">
  <crystal><varray name="basis"><v>4 0 0</v><v>0 4 0</v><v>0 0 4</v></varray></crystal>
  <varray name="positions"><v>0 0 0</v><v>0.5 0.5 0.5</v></varray>
 </structure>
 {steps}
</modeling>
"""
STEP = """<calculation>
  <scstep><energy><i name="e_fr_energy">-7.5</i><i name="e_0_energy">-7.4</i></energy></scstep>
  <structure>
   <crystal><varray name="basis"><v>4 0 0</v><v>0 4 0</v><v>0 0 4</v></varray></crystal>
   <varray name="positions"><v>0 0 0</v><v>0.5 0.5 {z}</v></varray>
  </structure>
  <varray name="forces"><v>0.1 0.2 0.3</v><v>-0.1 -0.2 -0.3</v></varray>
  <varray name="stress"><v>10 1 2</v><v>1 20 3</v><v>2 3 30</v></varray>
  <energy><i name="e_fr_energy">-7.5</i><i name="e_wo_entrp">-7.3</i><i name="e_0_energy">-7.4</i></energy>
 </calculation>"""


def rattled(seed: int):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=seed)
    atoms.calc = EMT()
    atoms.get_stress()
    return atoms


def test_vasprun_gives_every_step_with_the_free_energy_and_the_stress_in_ase_sign(tmp_path):
    path = tmp_path / "vasprun.xml"
    path.write_text(VASPRUN.format(steps="".join(STEP.format(z=z) for z in (0.5, 0.6))))
    one, two = read_frames(path)
    assert (one.energy, one.labels_from) == (-7.5, "free_energy, forces, stress")
    assert np.array_equal(one.forces, [[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]])
    kilobar = 0.1 * GPa
    assert np.allclose(one.stress, -kilobar * np.array([10, 20, 30, 3, 2, 1]), atol=1e-12)
    assert np.allclose(two.positions[1], [2.0, 2.0, 2.4])
    assert two.source.endswith("vasprun.xml, frame 2")


@pytest.mark.parametrize("name", ["a.traj", "a@300K.traj", "a.json", "a.db"])
def test_trajectories_and_databases_of_ase_give_all_frames(tmp_path, name):
    images = [rattled(1), rattled(2)]
    write(tmp_path / name, images)
    frames = read_frames(tmp_path / name)
    assert len(frames) == 2
    for frame, atoms in zip(frames, images, strict=True):
        assert np.allclose(frame.positions, atoms.positions, atol=1e-12)
        assert frame.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-12)
        assert np.allclose(frame.forces, atoms.get_forces(), atol=1e-12)
        assert np.allclose(frame.stress, atoms.get_stress(), atol=1e-12)


def test_forces_under_a_constraint_are_the_physical_ones(tmp_path):
    from ase.constraints import FixAtoms

    atoms = rattled(1)
    forces = atoms.get_forces().copy()
    atoms.set_constraint(FixAtoms([0]))
    write(tmp_path / "a.traj", atoms)
    [frame] = read_frames(tmp_path / "a.traj")
    assert np.array_equal(frame.forces, forces)


def test_file_of_an_unknown_kind_is_told(tmp_path):
    (tmp_path / "notes.rst").write_text("buy milk")
    with pytest.raises(SoftfixError, match=r"notes\.rst is not a structure file that softfix can read: its name"):
        read_frames(tmp_path / "notes.rst")


def test_file_that_ase_takes_for_a_kind_by_its_name_alone_is_told_with_the_kind(tmp_path):
    (tmp_path / "notes.md").write_text("buy milk")
    with pytest.raises(SoftfixError, match=r"notes\.md is not a structure file .* as castep-md it holds no struct"):
        read_frames(tmp_path / "notes.md")


def test_damaged_file_of_a_known_kind_is_told_with_the_kind(tmp_path):
    (tmp_path / "vasprun.xml").write_text("<modeling><calc")
    with pytest.raises(SoftfixError, match=r"vasprun\.xml is not a structure file.*as vasp-xml"):
        read_frames(tmp_path / "vasprun.xml")


def test_vasprun_of_a_run_that_is_still_going_gives_its_finished_steps(tmp_path):
    path = tmp_path / "vasprun.xml"
    text = VASPRUN.format(steps=STEP.format(z=0.5) + STEP.format(z=0.6) + STEP.format(z=0.7))
    path.write_text(text[: text.rindex("<energy>")])
    assert [frame.positions[1, 2] for frame in read_frames(path)] == pytest.approx([2.0, 2.4])


def test_structure_file_without_labels_is_told(tmp_path):
    write(tmp_path / "POSCAR", bulk("Cu"))
    with pytest.raises(SoftfixError, match=r"POSCAR, frame 1 has no energy, forces or stress"):
        read_frames(tmp_path / "POSCAR")
