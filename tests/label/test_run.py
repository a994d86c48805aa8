"""Labelling in this process: what is labelled, what fails and why, what is refused."""

import errno
import os
from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from softfix.data import LabelKeys, frame_of, read_frames
from softfix.errors import SoftfixError
from softfix.label import Workers, estimate, label_frames, load_protocol
from softfix.label.factory import FactoryProtocol
from softfix.label.lock import Owner, locked, this_process
from softfix.label.store import Store, store_path

TOY = FactoryProtocol(spec="tests.label.toy:ToyDFT")


def structure(seed, size=1):
    """Rattled Cu of 4 size atoms."""
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (size, 1, 1)
    atoms.rattle(0.1, rng=np.random.default_rng(seed))
    atoms.info["config_type"] = f"rattle-{seed}"
    return frame_of(atoms, LabelKeys(required=False), f"pool.extxyz, frame {seed + 1}")


@pytest.fixture
def log(tmp_path, monkeypatch):
    """Log of the toy's computations."""
    path = tmp_path / "computations.log"
    monkeypatch.setenv("TOY_LOG", str(path))
    return path


@pytest.fixture
def out(tmp_path):
    return tmp_path / "labelled.extxyz"


def computed(log):
    return [line for line in log.read_text().splitlines() if line.startswith("end")] if log.exists() else []


def failing(monkeypatch, how, atoms=8):
    monkeypatch.setenv("TOY_FAIL", f"{atoms}:{how}")


def test_labels_are_those_of_the_calculator_and_provenance_is_kept(out, log):
    frames = [structure(seed) for seed in range(3)]
    summary = label_frames(frames, TOY, out)
    assert summary.computed == len(computed(log)) == 3
    for frame, labelled in zip(frames, read_frames(out), strict=True):
        atoms = bulk("Cu", "fcc", a=3.7, cubic=True)
        atoms.positions, atoms.calc = frame.positions, EMT()
        assert labelled.content_hash == frame.content_hash
        assert labelled.energy == pytest.approx(atoms.get_potential_energy(force_consistent=True), abs=1e-12)
        np.testing.assert_allclose(labelled.forces, atoms.get_forces(), atol=1e-12)
        np.testing.assert_allclose(labelled.stress, atoms.get_stress(), atol=1e-12)
        assert labelled.config_type == frame.config_type
        assert labelled.level.startswith("tests.label.toy.ToyDFT")


def test_a_second_run_computes_nothing_and_remakes_a_lost_output(out, log):
    frames = [structure(seed) for seed in range(2)]
    label_frames(frames, TOY, out)
    before = out.read_bytes()
    out.unlink()
    assert label_frames(frames, TOY, out).computed == 0
    assert out.read_bytes() == before
    assert len(computed(log)) == 2


def test_copies_are_labelled_once(out, log):
    summary = label_frames([structure(0), structure(1), structure(0)], TOY, out)
    assert len(computed(log)) == len(read_frames(out)) == 2
    assert "repeat the structure of another (labelled once): 1." in summary.notes[0]


def test_labels_that_came_with_a_structure_are_dropped(out):
    wrong = replace(structure(0), energy=1e3, forces=np.full((4, 3), 7.0), stress=np.ones(6), level="base MD")
    label_frames([wrong], TOY, out)
    (frame,) = read_frames(out)
    assert abs(frame.energy) < 10
    assert frame.level != "base MD"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("raises", "the calculator failed (ValueError: diagonalisation failed)"),
        ("does_not_converge", "SCF not converged (KohnShamConvergenceError: Did not converge!)"),
        ("says_unconverged", "SCF not converged, as the calculator says"),
        ("gives_nan", "the forces holds a number that is not finite"),
        ("gives_large_forces", "a force of 99.0 eV/Å is above the limit of 50"),
    ],
)
def test_a_failure_is_kept_with_its_reason_and_retried_on_request_only(out, log, monkeypatch, how, reason):
    frames = [structure(0), structure(1, size=2), structure(2)]
    failing(monkeypatch, how)
    summary = label_frames(frames, TOY, out)
    assert len(read_frames(out)) == 2
    assert [frame.source for frame, _ in summary.failed] == ["pool.extxyz, frame 2"]
    assert summary.failed[0][1].startswith(reason)
    assert summary.failure.count("\n") == 0
    assert reason in summary.failure
    monkeypatch.delenv("TOY_FAIL")
    assert label_frames(frames, TOY, out).computed == 0
    again = label_frames(frames, TOY, out, retry=True)
    assert (again.computed, len(again.labelled), again.failure) == (1, 3, None)
    assert len(read_frames(out)) == 3


def test_settings_that_change_numbers_ask_for_new_labels_and_those_that_do_not_do_not(out, log):
    frames = [structure(0)]
    label_frames(frames, TOY, out)
    assert label_frames(frames, TOY.model_copy(update={"max_force": 20.0}), out).computed == 0
    other = TOY.model_copy(update={"arguments": {"asap_cutoff": True}})
    summary = label_frames(frames, other, out)
    assert summary.computed == 1
    assert "of other settings or versions, not used: 1." in summary.notes[0]
    assert "asap_cutoff" in read_frames(out)[0].level


def test_a_file_that_changed_between_runs_keeps_its_results_by_geometry(out, log):
    label_frames([structure(0), structure(1)], TOY, out)
    summary = label_frames([structure(1), structure(2)], TOY, out)
    assert summary.computed == 1
    assert summary.notes == ["Labels in the store whose frames are not in the input: 1."]
    assert [frame.config_type for frame in read_frames(out)] == ["rattle-1", "rattle-2"]
    assert label_frames([structure(seed) for seed in range(3)], TOY, out).computed == 0
    assert len(read_frames(out)) == 3


def test_a_line_cut_off_by_a_kill_is_computed_again_and_a_foreign_one_is_told(out, log):
    frames = [structure(seed) for seed in range(3)]
    label_frames(frames, TOY, out)
    store = store_path(out)
    whole = store.read_bytes()
    store.write_bytes(whole[:-40])
    assert label_frames(frames, TOY, out).computed == 1
    assert len(Store(store).outcomes) == 3
    store.write_bytes(b'{"what": 1}\n' + whole)
    with pytest.raises(SoftfixError, match="line 1 is not an outcome"):
        label_frames(frames, TOY, out)


def test_a_full_disk_is_one_sentence_and_loses_nothing(out, log, monkeypatch):
    frames = [structure(seed) for seed in range(3)]

    def full(handle):
        if len(computed(log)) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("softfix.lines.os.fsync", full)
    with pytest.raises(SoftfixError, match=r"No space is left for .*jobs\.jsonl"):
        label_frames(frames, TOY, out)
    monkeypatch.undo()
    assert len(Store(store_path(out)).outcomes) == 2  # the line is there, but not promised to be
    assert len(read_frames(out)) == 1
    monkeypatch.setenv("TOY_LOG", str(log))
    assert len(label_frames(frames, TOY, out).labelled) == 3
    assert len(computed(log)) == 3


def test_a_full_disk_while_the_output_is_written_leaves_the_old_one_whole(out, monkeypatch):
    label_frames([structure(0)], TOY, out)
    before = out.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("softfix.label.run.write_frames", full)
    with pytest.raises(SoftfixError, match=r"No space is left for .*labelled.extxyz: free some"):
        label_frames([structure(0), structure(1)], TOY, out)
    assert out.read_bytes() == before
    monkeypatch.undo()
    assert label_frames([structure(0), structure(1)], TOY, out).computed == 0


def test_a_full_disk_under_the_calculator_stops_the_run(out, monkeypatch):
    failing(monkeypatch, "fills_the_disk")
    with pytest.raises(SoftfixError, match="where the calculator works"):
        label_frames([structure(0), structure(1, size=2), structure(2)], TOY, out)
    assert len(Store(store_path(out)).outcomes) == 1


def test_two_runs_on_one_output_are_refused(out):
    with (
        locked(out),
        pytest.raises(SoftfixError, match=rf"another run \(process {os.getpid()} on "),
    ):
        label_frames([structure(0)], TOY, out)
    assert not out.exists()
    assert label_frames([structure(0)], TOY, out).computed == 1


@pytest.mark.parametrize(
    "dead",
    [
        {"pid": 2**22 + 1},  # no such process
        {"started": "1"},  # the number is used again by another process
    ],
)
def test_the_lock_of_a_killed_run_is_taken_over(out, dead):
    lock = out.with_name(out.name + ".lock")
    lock.write_text(this_process().model_copy(update=dead).model_dump_json())
    assert label_frames([structure(0)], TOY, out).computed == 1
    assert not lock.exists()


def test_a_lock_of_another_host_is_respected(out):
    out.with_name(out.name + ".lock").write_text(Owner(host="elsewhere", pid=1, started="").model_dump_json())
    with pytest.raises(SoftfixError, match="on elsewhere"):
        label_frames([structure(0)], TOY, out)


def test_a_file_that_this_command_did_not_make_is_not_overwritten(out):
    out.write_text("precious")
    with pytest.raises(SoftfixError, match="was not made by softfix label"):
        label_frames([structure(0)], TOY, out)
    assert out.read_text() == "precious"


def test_an_output_that_could_not_be_read_again_is_refused(tmp_path):
    with pytest.raises(SoftfixError, match=r"should end in \.extxyz"):
        label_frames([structure(0)], TOY, tmp_path / "labelled.traj")


@pytest.mark.parametrize(
    ("calculator", "words"),
    [
        ("gpw", "did you mean 'gpaw'"),
        ("not_there.at_all:factory", "pip install not_there"),
        ("tests.label.toy:Absent", "name a module and a function"),
        ("tests.label.toy:no_calculator", "gives a int, not an ASE calculator"),
    ],
)
def test_a_calculator_that_is_not_there_is_one_sentence(out, calculator, words):
    with pytest.raises(SoftfixError, match=words) as caught:
        label_frames([structure(0)], load_protocol(calculator), out)
    assert "\n" not in str(caught.value)


def test_an_energy_that_is_not_known_to_be_free_is_no_label_unless_said(out):
    protocol = FactoryProtocol(spec="tests.label.toy:EnergyOnly")
    summary = label_frames([structure(0)], protocol, out)
    assert "no free energy" in summary.failed[0][1]
    assert len(label_frames([structure(0)], protocol.model_copy(update={"energy_is_free": True}), out).labelled) == 1


def test_a_molecule_gets_no_stress(out):
    label_frames([replace(structure(0), pbc=np.zeros(3, dtype=bool))], TOY, out)
    (frame,) = read_frames(out)
    assert frame.stress is None
    assert frame.forces is not None


def test_the_estimate_scales_with_atoms_and_writes_nothing(out, tmp_path):
    frames = [structure(0), structure(1), structure(2, size=2)]
    unknown = estimate(frames, TOY, out)
    assert unknown.seconds is None
    assert "3 frames to label" in unknown.status
    assert "unknown until the first frame is done" in unknown.status
    assert not list(tmp_path.iterdir())
    label_frames(frames[:1], TOY, out)
    wall = next(iter(Store(store_path(out)).outcomes.values())).wall_s
    found = estimate(frames, TOY, out, workers=2)
    assert found.seconds == pytest.approx((wall * (1 + 2**2) / 2, wall * (1 + 2**3) / 2))
    assert [(group.formula, group.frames) for group in found.groups] == [("Cu4", 1), ("Cu8", 1)]
    label_frames(frames, TOY, out)
    assert "Time left: none." in estimate(frames, TOY, out).status


def test_scheduler_and_slurm_exclude_each_other():
    with pytest.raises(SoftfixError, match="not both"):
        Workers(2, "tcp://localhost:1", slurm=True)
