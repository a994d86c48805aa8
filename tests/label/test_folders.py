"""Inputs for programs that run elsewhere, and results that come back; a made-up VASP that writes what EMT says."""

import os
import sys

import numpy as np
import pytest
from ase import Atoms
from typer.testing import CliRunner

from softfix.cli import app
from softfix.data import LabelKeys, frame_of, read_frames, write_frames
from softfix.errors import SoftfixError
from softfix.label import Workers, collect, label_frames, load_protocol, write_inputs
from softfix.label.espresso import EspressoProtocol
from softfix.label.vasp import VaspProtocol
from tests.conftest import alloy, labelled

# Writes a vasprun.xml out of the POSCAR beside it; FAKE_STEPS: steps of the self-consistency it claims.
FAKE_VASP = """
import os, sys
from ase.io import read
from ase.calculators.emt import EMT
atoms = read("POSCAR")
atoms.calc = EMT()
steps = int(os.environ.get("FAKE_STEPS", "7"))
energy = atoms.get_potential_energy()
names = [symbol for symbol in atoms.symbols]
v = lambda rows: "".join("<v>%.10f %.10f %.10f</v>" % tuple(row) for row in rows)
kbar = -1602.1766208
s = atoms.get_stress(voigt=False) * kbar
e = lambda free: "<energy><i name='e_fr_energy'>%.8f</i><i name='e_wo_entrp'>%.8f</i><i name='e_0_energy'>%.8f</i></energy>" % (energy, energy, energy + 0.5)
open("vasprun.xml", "w").write(
 "<?xml version='1.0' encoding='ISO-8859-1'?><modeling><incar></incar>"
 "<kpoints><generation param='Gamma'><v type='int' name='divisions'>1 1 1</v></generation>"
 "<varray name='kpointlist'><v>0 0 0</v></varray><varray name='weights'><v>1</v></varray></kpoints>"
 "<parameters><separator name='electronic'><i type='int' name='NELM'>200</i></separator></parameters>"
 "<atominfo><atoms>%d</atoms><types>2</types><array name='atoms'><set>" % len(atoms)
 + "".join("<rc><c>%s</c><c>1</c></rc>" % name for name in names)
 + "</set></array></atominfo><structure name='initialpos'><crystal><varray name='basis'>" + v(atoms.cell)
 + "</varray></crystal><varray name='positions'>" + v(atoms.get_scaled_positions()) + "</varray></structure>"
 "<calculation>" + ("<scstep>" + e(1) + "</scstep>") * steps
 + "<structure><crystal><varray name='basis'>" + v(atoms.cell) + "</varray><i name='volume'>%.8f</i></crystal>" % atoms.get_volume()
 + "<varray name='positions'>" + v(atoms.get_scaled_positions()) + "</varray></structure>"
 "<varray name='forces'>" + v(atoms.get_forces()) + "</varray><varray name='stress'>" + v(s) + "</varray>"
 + e(1) + "</calculation></modeling>")
"""  # noqa: E501


@pytest.fixture
def vasp(tmp_path):
    """Protocol that runs the made-up VASP, with made-up potentials."""
    (tmp_path / "fake.py").write_text(FAKE_VASP)
    for symbol in ("Cu", "Au"):
        folder = tmp_path / "potentials" / "potpaw_PBE" / symbol
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(f"PAW {symbol}\n")
    command = f"{sys.executable} {tmp_path / 'fake.py'}"
    return VaspProtocol(command=command, potentials_folder=str(tmp_path / "potentials"), incar={"ALGO": "Normal"})


def bare(seed):
    """Alloy whose elements do not stand side by side, without labels."""
    return frame_of(alloy(seed, size=1), LabelKeys(required=False), f"pool.extxyz, frame {seed + 1}")


def run_there(folder, vasp):
    return os.system(f"cd {folder} && {vasp.command}")


def test_results_that_come_back_are_those_of_the_frames_in_their_order(tmp_path, vasp):
    frames, jobs = [bare(seed) for seed in range(3)], tmp_path / "jobs"
    assert write_inputs(frames, vasp, jobs) == 3
    assert write_inputs(frames, vasp, jobs) == 0
    folders = [jobs / frame.content_hash[:16] for frame in frames]
    assert (folders[0] / "POTCAR").read_text() == "PAW Cu\nPAW Au\n"
    incar = (folders[0] / "INCAR").read_text()
    for line in ("ENCUT = 600", "ISMEAR = -1", "EDIFF = 1e-06", "NSW = 0", "ALGO = Normal", "LWAVE = .FALSE."):
        assert line in incar
    for folder in folders[:2]:
        assert run_there(folder, vasp) == 0
    found = collect(jobs, tmp_path / "labelled.extxyz")
    assert (len(found.labelled), len(found.waiting), found.failed) == (2, 1, [])
    assert "there is no vasprun.xml" in found.status
    by_hash = {frame.content_hash: frame for frame in read_frames(tmp_path / "labelled.extxyz")}
    for seed, frame in enumerate(frames[:2]):
        truth = labelled(alloy(seed, size=1))
        np.testing.assert_allclose(by_hash[frame.content_hash].forces, truth.forces, atol=1e-6)
        np.testing.assert_allclose(by_hash[frame.content_hash].stress, truth.stress, atol=1e-6)
        assert by_hash[frame.content_hash].energy == pytest.approx(truth.energy, abs=1e-6)
        assert by_hash[frame.content_hash].level.startswith("VASP PBE PW 600 eV, 3.5 k-points per 1/Angstrom")


def test_vasp_that_ran_out_of_steps_or_was_cut_off_or_computed_other_atoms_gives_no_label(tmp_path, vasp, monkeypatch):
    frames, jobs = [bare(seed) for seed in range(3)], tmp_path / "jobs"
    write_inputs(frames, vasp, jobs)
    folders = [jobs / frame.content_hash[:16] for frame in frames]
    run_there(folders[1], vasp)
    result = folders[1] / "vasprun.xml"
    (folders[2] / "vasprun.xml").write_bytes(result.read_bytes())  # of other atoms
    result.write_bytes(result.read_bytes()[:-300])
    monkeypatch.setenv("FAKE_STEPS", "200")
    run_there(folders[0], vasp)
    found = collect(jobs, tmp_path / "labelled.extxyz")
    assert found.labelled == []
    assert not (tmp_path / "labelled.extxyz").exists()
    assert dict(found.failed)[str(folders[0])] == "SCF not converged in 200 steps (NELM = 200)"
    assert dict(found.failed)[str(folders[2])].startswith("the ")
    assert "is not complete" in dict(found.waiting)[str(folders[1])]


def test_vasp_labels_directly_where_it_is_installed(tmp_path, vasp):
    summary = label_frames([bare(0)], vasp, tmp_path / "labelled.extxyz", Workers())
    np.testing.assert_allclose(summary.labelled[0].forces, labelled(alloy(0, size=1)).forces, atol=1e-6)
    broken = vasp.model_copy(update={"command": f"{sys.executable} -c exit(3)", "max_steps": 100})
    reason = label_frames([bare(0)], broken, tmp_path / "labelled.extxyz").failed[0][1]
    assert reason == "there is no vasprun.xml; the command ended with status 3"


def test_folders_of_other_settings_and_calculators_without_inputs_are_refused(tmp_path, vasp):
    write_inputs([bare(0)], vasp, tmp_path / "jobs")
    with pytest.raises(SoftfixError, match="with other settings"):
        write_inputs([bare(1)], vasp.model_copy(update={"cutoff": 400.0}), tmp_path / "jobs")
    with pytest.raises(SoftfixError, match="Only vasp and espresso"):
        write_inputs([bare(1)], load_protocol("ase.calculators.emt:EMT"), tmp_path / "more")
    with pytest.raises(SoftfixError, match=r"protocol\.json does not exist"):
        collect(tmp_path / "nowhere", tmp_path / "labelled.extxyz")


def test_potentials_that_are_not_here_are_named_for_the_machine_that_has_them(tmp_path, vasp, monkeypatch):
    monkeypatch.delenv("VASP_PP_PATH", raising=False)
    elsewhere = vasp.model_copy(update={"potentials_folder": None, "potentials": {"Cu": "Cu_pv"}})
    write_inputs([bare(0)], elsewhere, tmp_path / "jobs")
    (names,) = (tmp_path / "jobs").glob("*/POTCAR.names")
    assert names.read_text() == "Cu_pv\nAu\n"
    with pytest.raises(SoftfixError, match=r"no potpaw_PBE/Cu_pv/POTCAR for Cu under \$VASP_PP_PATH"):
        elsewhere.check([bare(0)])


def test_programs_that_are_not_installed_are_one_sentence():
    with pytest.raises(SoftfixError, match="needs the program vasp_absent, which is not installed here"):
        VaspProtocol(command="vasp_absent").check([bare(0)])
    with pytest.raises(SoftfixError, match="conda install -c conda-forge qe"):
        EspressoProtocol(command="absent.x", pseudopotentials={"Cu": "Cu.upf", "Au": "Au.upf"}).check([bare(0)])
    with pytest.raises(SoftfixError, match="No pseudopotential for Au"):
        EspressoProtocol(pseudopotentials={"Cu": "Cu.upf"}).check([bare(0)])
    molecule = frame_of(Atoms("H2", [[0, 0, 0], [0, 0, 0.74]]), LabelKeys(required=False))
    with pytest.raises(SoftfixError, match="is not periodic"):
        EspressoProtocol(pseudopotentials={"H": "H.upf"}).check([molecule])


def test_inputs_of_espresso_state_the_protocol_and_its_output_is_read(tmp_path):
    protocol = EspressoProtocol(
        pseudopotentials={"Cu": "Cu.upf", "Au": "Au.upf"}, pseudo_folder=str(tmp_path), magnetic_moments={"Cu": 1.0}
    )
    frame = bare(0)
    write_inputs([frame], protocol, tmp_path / "jobs")
    (folder,) = (path for path in (tmp_path / "jobs").iterdir() if path.is_dir())
    text = (folder / "espresso.pwi").read_text()
    for words in ("calculation", "'scf'", "tprnfor", "tstress", "fermi-dirac", "nspin", "K_POINTS", "Cu.upf"):
        assert words in text
    assert "ecutwfc          = 44.099" in text  # Ry
    (folder / "espresso.pwo").write_text("     Program PWSCF v.7.3\n     iteration #  1\n")
    assert collect(tmp_path / "jobs", tmp_path / "l.extxyz").waiting[0][1] == "espresso.pwo does not say JOB DONE"
    (folder / "espresso.pwo").write_text("     convergence NOT achieved after 100 iterations: stopping\n JOB DONE.\n")
    assert "SCF not converged" in collect(tmp_path / "jobs", tmp_path / "l.extxyz").failed[0][1]


def test_collect_on_the_command_line(tmp_path, vasp):
    write_frames(tmp_path / "pool.extxyz", [bare(0), bare(1)])
    (tmp_path / "vasp.yaml").write_text(f"command: {vasp.command}\npotentials_folder: {vasp.potentials_folder}\n")
    jobs, call = str(tmp_path / "jobs"), CliRunner().invoke
    written = call(app, ["collect", jobs, "--inputs", str(tmp_path / "pool.extxyz"), "--config",
                         str(tmp_path / "vasp.yaml")])  # fmt: skip
    assert written.exit_code == 0, written.exception
    assert "2 new folders" in written.stdout
    for folder in (tmp_path / "jobs").iterdir():
        if folder.is_dir():
            run_there(folder, vasp)
    collected = call(app, ["collect", jobs, "-o", str(tmp_path / "labelled.extxyz")])
    assert "2 labelled, 0 waiting, 0 failed" in collected.stdout
    assert len(read_frames(tmp_path / "labelled.extxyz")) == 2
    write_frames(tmp_path / "other.extxyz", [bare(7)])
    refused = call(app, ["collect", jobs, "-o", str(tmp_path / "other.extxyz")])
    assert "is not of this collection" in str(refused.exception)
    assert isinstance(call(app, ["collect", jobs]).exception, SoftfixError)
