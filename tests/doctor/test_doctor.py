"""The doctor finds what was spoilt, says so with frames and numbers, and leaves clean frames alone."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT

from softfix.data import LabelKeys, read_frames, write_frames
from softfix.data.labels import frame_of
from softfix.doctor import examine
from softfix.doctor.copies import alike
from softfix.doctor.energies import two_kinds
from softfix.doctor.pairs import near_pairs
from softfix.doctor.symmetry import forbidden_forces
from softfix.measure import GPA
from tests.conftest import labelled
from tests.doctor.conftest import rattled

SCRIPT = Path(__file__).parents[2] / "calibration" / "doctor" / "faults.py"
BASE = "tests.conftest:SoftEMT"


def _faults():
    spec = spec_from_file_location("faults", SCRIPT)
    module = module_from_spec(spec)
    sys.modules["faults"] = module  # its models look their annotations up there
    spec.loader.exec_module(module)
    return module


FAULTS = _faults()


def test_nothing_is_found_in_clean_frames_with_a_base_or_without(clean, soft_base):
    assert examine(clean, soft_base).findings == []
    assert examine(clean).findings == []


@pytest.mark.parametrize("kind", FAULTS.KINDS)
def test_an_injected_fault_is_found_on_the_frames_that_have_it(kind, clean, said):
    fault, expected = FAULTS.KINDS[kind]
    spoilt = fault(clean, np.random.default_rng(3))
    found = said(spoilt.frames, test=spoilt.test)
    hits = [found[check] for check in expected if check in found]
    assert hits, sorted(found)
    bad = {spoilt.frames[i].source for i in spoilt.where} | {frame.source for frame in spoilt.test}
    named = {f"{frame.file}, frame {frame.number}" for hit in hits for frame in hit.frames}
    assert named & bad
    assert all(hit.values and hit.advice.endswith(".") for hit in hits)


BARE = ("stress in GPa", "stress of the other sign", "energies in Hartree", "forces in Rydberg/bohr", "copies",
        "gradients as forces", "energy inconsistent with forces", "net force", "forbidden forces")  # fmt: skip


@pytest.mark.parametrize("kind", BARE)
def test_near_frames_and_symmetry_tell_without_a_base(kind, clean, said):
    fault, expected = FAULTS.KINDS[kind]
    found = said(fault(clean, np.random.default_rng(3)).frames, base=None)
    assert set(expected) & set(found), sorted(found)


def test_stress_in_gpa_is_certain_and_its_ratio_is_told(clean, said):
    found = said([replace(frame, stress=GPA * frame.stress) for frame in clean])["stress-units"]
    assert found.sure == "certain"
    assert "GPa" in found.what
    (ratio,) = [value for value in found.values if value.name == "label_over_base"]
    assert ratio.value == pytest.approx(GPA / 0.8, rel=0.05)


def test_work_between_near_frames_is_their_energy_difference():
    near, strained = rattled(0), rattled(0)
    near.rattle(0.01, rng=np.random.default_rng(1))
    shear = np.array([[0.002, 0.001, 0.0], [0.001, -0.004, 0.0], [0.0, 0.0, 0.003]])
    strained.set_cell(strained.cell.array @ (np.eye(3) + shear), scale_atoms=True)
    strained.positions += 0.3  # a shift of all atoms does no work
    pairs = near_pairs([labelled(rattled(0)), labelled(near), labelled(strained)])
    assert pairs.strained.tolist() == [False, True, True]
    work = pairs.work + pairs.strain_work
    assert work == pytest.approx(pairs.energy, rel=5e-3)


def test_forces_of_the_truth_keep_the_symmetry(clean):
    perfect = clean[-1]
    assert np.abs(forbidden_forces(perfect, perfect.forces)).max() < 1e-10
    push = np.zeros_like(perfect.forces)
    push[0, 0], push[1, 0] = 0.1, -0.1
    assert np.abs(forbidden_forces(perfect, push)).max() > 0.04


def test_values_in_one_heap_are_one_kind():
    assert two_kinds(np.random.default_rng(0).normal(size=200)) is None


def test_frames_that_a_fit_refuses_are_findings_and_the_rest_is_examined(clean, said):
    torn = replace(clean[3], energy=float("nan"))
    found = said([*clean[:3], torn, *clean[4:], clean[0]])
    assert found["refused"].sure == "certain"
    assert found["refused"].frames[0].number == 4
    assert "copies" in found


def test_levels_that_differ_among_frames_of_the_same_elements_are_told(clean, said):
    mixed = [replace(frame, level="PBE" if i else "PBEsol") for i, frame in enumerate(clean)]
    assert said(mixed)["levels"].frames[0].number == 1


def test_symmetric_copies_are_only_possible(clean, said):
    turned = replace(clean[0], positions=clean[0].positions @ TURN, cell=clean[0].cell @ TURN,
                     forces=clean[0].forces @ TURN, stress=None, source="toy.extxyz, frame 99")  # fmt: skip
    assert said([*clean, turned])["copies"].sure == "possible"


def test_the_same_atoms_in_another_order_and_place_are_a_copy(clean):
    order = np.random.default_rng(0).permutation(8)
    one = clean[0]
    moved = replace(one, numbers=one.numbers[order], positions=one.positions[order] + 0.7, forces=one.forces[order])
    assert alike([*clean, moved]) == [(0, len(clean))]


def test_molecules_are_examined_too(soft_base):
    named = []
    for number in range(1, 10):
        atoms = Atoms("CO", [[0, 0, 0], [0, 0, 1.1 + 0.01 * number]], calculator=EMT())
        atoms.get_forces()
        named.append(frame_of(atoms, source=f"CO.xyz, frame {number}"))
    assert examine(named, soft_base).findings == []
    assert [finding.check for finding in examine([*named, named[2]]).findings] == ["copies"]


TURN = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def test_the_free_energy_of_the_file_is_compared_with_the_energy_read(tmp_path, clean):
    write_frames(tmp_path / "free.extxyz", clean[:2])
    text = (tmp_path / "free.extxyz").read_text()
    for frame in clean[:2]:
        text = text.replace(f"REF_energy={frame.energy}", f"REF_energy={frame.energy} free_energy={frame.energy - 0.1}")
    (tmp_path / "free.extxyz").write_text(text)
    (found,) = [f for f in examine(read_frames(tmp_path / "free.extxyz")).findings if f.check == "energy-kind"]
    assert found.sure == "likely"
    assert found.values[0].value == pytest.approx(0.1 / 8)
    (tmp_path / "free.extxyz").write_text(text.replace("REF_energy", "energy"))
    frames = read_frames(tmp_path / "free.extxyz", LabelKeys(energy="energy"))
    (found,) = [f for f in examine(frames).findings if f.check == "energy-kind"]
    assert found.sure == "certain"
    assert examine(read_frames(tmp_path / "free.extxyz")).certain is False


def softfix(*arguments):
    command = [sys.executable, "-m", "softfix", "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_the_command_exits_with_1_for_certain_findings_alone(tmp_path, clean):
    write_frames(tmp_path / "clean.extxyz", clean)
    write_frames(tmp_path / "gpa.extxyz", [replace(frame, stress=GPA * frame.stress) for frame in clean])
    run = softfix(tmp_path / "clean.extxyz", "--base", BASE)
    assert run.returncode == 0, run.stderr
    assert "nothing found" in run.stdout
    run = softfix(tmp_path / "gpa.extxyz", "--base", BASE, "--test", tmp_path / "clean.extxyz", "--json",
                  tmp_path / "found.json")  # fmt: skip
    assert run.returncode == 1, run.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert {"stress-units", "leaked"} <= {finding["check"] for finding in found["findings"]}
    assert all({"name", "value", "unit"} == set(value) for f in found["findings"] for value in f["values"])
    assert "GPa" in run.stdout
