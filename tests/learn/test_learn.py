"""Learning on the fly: few calls, a good potential, and a kill that changes nothing."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.optimize import FIRE
from typer.testing import CliRunner

from softfix.cli import app
from softfix.correct import corrected
from softfix.data import write_frames
from softfix.data.labels import atoms_of, frame_of
from softfix.dynamics import Conditions
from softfix.errors import SoftfixError
from softfix.evaluations import evaluate_base
from softfix.label import load_protocol
from softfix.learn import Learner, LearningCalculator, LearnSettings, learn
from softfix.learn.run import State
from softfix.settings import FitSettings
from tests.conftest import SoftEMT
from tests.learn.toy import Truth

BASE, TRUTH = "tests.conftest:SoftEMT", "tests.learn.toy:Truth"
QUICK = FitSettings.model_validate(
    {
        "basis": {"pair_count": 6, "three_count": 2, "three_cutoff": 5.0},
        "terms": ["scale", "pair", "three_body"],  # many-body terms make ten times as many labels four times as good
    }
)
ROOT = Path(__file__).parents[2]


def copper(size=1):
    return frame_of(bulk("Cu", "fcc", a=3.61, cubic=True).repeat((size, 1, 1)), source="Cu.cif")


def labelled(frame):
    atoms = atoms_of(frame)
    atoms.calc = Truth()
    atoms.get_forces()
    return frame_of(atoms)


def error(frames, predictions):
    return np.mean([np.abs(p.forces - f.forces).mean() for f, p in zip(frames, predictions, strict=True)])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learn")
    settings = LearnSettings(keep=20)
    return learn(copper(), BASE, load_protocol(TRUTH), folder, 300, 15, Conditions(temperature=500.0), settings, QUICK)


def test_the_potential_becomes_as_good_as_one_of_ten_times_more_random_labels(run):
    """Along its own trajectory, with calls of DFT in under 5 % of the steps."""
    from softfix.bases import load_base
    from softfix.fitting import fit

    assert run.steps == 300
    assert 2 <= len(run.events) < 0.05 * run.steps
    frames, base = [labelled(frame) for frame in run.visited], load_base(SoftEMT())
    other = learn_random(10 * len(run.frames))
    learned = error(frames, corrected(run.correction, frames, load_base(BASE)))
    random = error(frames, corrected(fit(other, base, QUICK).correction, frames, base))
    assert learned < 1.3 * random
    assert learned < 0.1 * error(frames, evaluate_base(base, frames))


def learn_random(number):
    """Labels along dynamics of the truth itself, with another seed."""
    from softfix.dynamics import Dynamics

    atoms = atoms_of(copper())
    atoms.calc = Truth()
    dynamics, frames = Dynamics(atoms, Conditions(temperature=500.0), np.random.default_rng(9)), []
    while len(frames) < number:
        for _ in range(10):
            dynamics.step()
        frames.append(labelled(frame_of(atoms)))
    return frames


def test_the_summary_says_when_and_why(run):
    assert [event.at for event in run.events] == sorted(event.at for event in run.events)
    first = run.events[0]
    assert (first.at, first.why, first.uncertainty) == (25, "check", None)
    for event in run.events[1:]:
        assert event.why in ("check", "uncertain")
        assert (event.uncertainty > event.threshold) or event.why == "check"
    assert run.events[-1].error < 0.1 * first.error
    assert f"300 steps, {len(run.events)} calls of DFT" in run.status


ARGUMENTS = ("--base", BASE, "--calculator", TRUTH, "--steps", "120", "--max-labels", "6", "--temperature", "400")


def softfix_learn(folder, out, **environment):
    (folder / "quick.yaml").write_text("basis: {pair_count: 6, three_count: 0}\n")
    (folder / "when.yaml").write_text("checkpoint: 30\ncheck: 10\npause: 5\n")
    write_frames(folder / "Cu.extxyz", [copper()])
    files = ("--fit-config", folder / "quick.yaml", "--config", folder / "when.yaml", "-o", folder / out)
    command = [sys.executable, "-m", "softfix", "learn", folder / "Cu.extxyz", *ARGUMENTS, *files]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(map(str, command), env=environment, capture_output=True, text=True, check=False)


def test_a_run_that_was_killed_ends_with_the_same_numbers_and_asks_for_no_label_twice(tmp_path):
    whole = softfix_learn(tmp_path, "whole")
    assert whole.returncode == 0, whole.stderr
    log = tmp_path / "calls"
    for kill in ("4", "1"):
        killed = softfix_learn(tmp_path, "killed", TOY_KILL=kill, TOY_LOG=str(log), PYTHONHASHSEED=kill)
        assert killed.returncode == -signal.SIGKILL
        assert State.model_validate_json((tmp_path / "killed" / "state.json").read_bytes()).step == 30
    resumed = softfix_learn(tmp_path, "killed", TOY_LOG=str(log))
    assert resumed.returncode == 0, resumed.stderr
    states = [
        re.sub(r'"wall_s": ?[^,}]+', "", (tmp_path / run / "state.json").read_text()) for run in ("killed", "whole")
    ]
    assert states[0] == states[1]  # but for the time that the labels took
    labels = [(tmp_path / run / "labelled.extxyz").read_bytes() for run in ("killed", "whole")]
    assert labels[0] == labels[1]
    labels = (tmp_path / "whole" / "labels.jsonl").read_text().count("\n")
    assert len(log.read_text().splitlines()) == labels + 2  # the two that were in flight


def test_a_relaxation_learns_through_the_calculator(tmp_path):
    atoms = atoms_of(copper())
    atoms.rattle(0.1, seed=1)
    settings = LearnSettings(check=1, every=1, pause=1)
    learner = Learner(SoftEMT(), load_protocol(TRUTH), tmp_path, 10, settings, QUICK)
    atoms.calc = LearningCalculator(learner)
    assert FIRE(atoms, logfile=None).run(fmax=0.01, steps=200)
    atoms.calc = Truth()
    assert np.abs(atoms.get_forces()).max() < 0.03
    assert 1 <= learner.labels <= 10


def test_constant_pressure_moves_the_cell(tmp_path):
    conditions = Conditions(temperature=300.0, pressure=0.0)
    run = learn(copper(), BASE, load_protocol(TRUTH), tmp_path, 40, 2, conditions, LearnSettings(keep=10), QUICK)
    assert run.steps == 40
    assert run.visited[-1].volume != run.visited[0].volume


def test_labels_that_keep_failing_stop_the_run(tmp_path):
    settings = LearnSettings(check=2, failures=2)
    with pytest.raises(SoftfixError, match=r"The last 2 labels failed \(the last: SCF not converged"):
        learn(copper(), BASE, load_protocol("tests.learn.toy:Failing"), tmp_path, 50, 9, settings=settings)


def test_a_folder_of_another_run_is_refused(tmp_path):
    common = (copper(), BASE, load_protocol(TRUTH), tmp_path, 5, 2)
    learn(*common, Conditions(temperature=300.0), fit_settings=QUICK)
    with pytest.raises(SoftfixError, match="belongs to a run of another structure or other settings"):
        learn(*common, Conditions(temperature=400.0), fit_settings=QUICK)


def test_dynamics_that_blows_up_is_told_with_an_exit_status(tmp_path):
    write_frames(tmp_path / "Cu.extxyz", [copper()])
    told = CliRunner().invoke(
        app,
        ["learn", str(tmp_path / "Cu.extxyz"), "--base", BASE, "--calculator", TRUTH, "--steps", "200",
         "--max-labels", "1", "--temperature", "60000", "-o", str(tmp_path / "out")],
    )  # fmt: skip
    assert isinstance(told.exception, SoftfixError)
    assert "Stopped at step" in str(told.exception)
    assert "Lower the temperature" in str(told.exception)
