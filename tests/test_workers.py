"""Base evaluations by several processes: the same numbers, and little lost by a kill."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from ase.calculators.emt import EMT
from typer.testing import CliRunner

from softfix.bases import load_base
from softfix.cli import app
from softfix.data import read_frames, write_frames
from softfix.data.frames import Frame
from softfix.errors import SoftfixError
from softfix.evaluations import BATCH_FRAMES, EvaluationCache, evaluate_base
from softfix.fitting import fit
from softfix.settings import FitSettings
from softfix.workers import Workers
from tests.conftest import SoftEMT, alloy, labelled
from tests.label.test_run import structure

TOY = "tests.label.toy:ToyDFT"
TWO = Workers(2)
FRAMES = 6 * BATCH_FRAMES


@pytest.fixture
def dask():
    """What more than one worker needs."""
    pytest.importorskip("distributed", reason="the extra parallel is not installed")


def assert_equal(some, others):
    for one, other in zip(some, others, strict=True):
        assert one.energy == other.energy
        np.testing.assert_array_equal(one.forces, other.forces)
        np.testing.assert_array_equal(one.stress, other.stress)
        np.testing.assert_array_equal(one.sites, other.sites)


@pytest.mark.usefixtures("dask")
def test_two_workers_fit_what_one_process_fits(soft_base, tmp_path):
    frames = [labelled(alloy(seed, size=1)) for seed in range(20)]
    frames[3:5] = [Frame(**{**vars(frame), "reference": frames[0]}) for frame in frames[3:5]]
    settings = FitSettings.model_validate(
        {
            "domain": "global",
            "max_steps": 2,
            "basis": {"pair_count": 4, "three_count": 2, "many_count": 3, "anchors": 16},
            "trust": {"structures": 2},
        }
    )
    alone, shared = (
        fit(frames, soft_base, settings, EvaluationCache(soft_base.identity.key, tmp_path / name), workers=who)
        for name, who in (("alone", None), ("shared", TWO))
    )
    assert_equal(alone.evaluations, shared.evaluations)
    np.testing.assert_array_equal(alone.correction.weights, shared.correction.weights)
    written = [sorted(path.name for path in (tmp_path / name).rglob("*.npz")) for name in ("alone", "shared")]
    assert written[0] == written[1]


@pytest.mark.usefixtures("dask")
@pytest.mark.real
@pytest.mark.slow
def test_two_workers_evaluate_a_network_in_the_same_batches(tmp_path):
    pytest.importorskip("mace", reason="the extra mace is not installed")
    from tests.bases.test_sites import MACE_SMALL

    base = load_base(f"mace:{MACE_SMALL}")
    frames = [
        Frame(frame.numbers * 0 + 8, frame.positions * 1.2, frame.cell * 1.2, frame.pbc)
        for frame in map(structure, range(BATCH_FRAMES + 3))
    ]
    alone, shared = (
        evaluate_base(base, frames, EvaluationCache(base.identity.key, tmp_path / name), sites=True, workers=who)
        for name, who in (("alone", None), ("shared", TWO))
    )
    assert_equal(alone, shared)


@pytest.mark.usefixtures("dask")
def test_a_kill_costs_the_batches_in_flight(tmp_path):
    log, cache, file = tmp_path / "computations.log", tmp_path / "cache", tmp_path / "frames.extxyz"
    write_frames(file, [labelled(alloy(seed, size=1)) for seed in range(FRAMES)])
    environment = {**os.environ, "TOY_LOG": str(log), "SOFTFIX_CACHE": str(cache)}
    command = [sys.executable, "-m", "softfix", "evaluate", str(file), "--base", TOY, "--json"]
    run = subprocess.Popen(
        [*command, str(tmp_path / "never.json"), "--workers", "2"], env={**environment, "TOY_DELAY": "0.05"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while run.poll() is None and len(list(cache.rglob("*.npz"))) < BATCH_FRAMES:
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    _settled(log)
    stored, begun = len(list(cache.rglob("[!.]*.npz"))), log.read_text().count("begin")
    assert BATCH_FRAMES <= stored < FRAMES
    assert begun - stored <= 3 * BATCH_FRAMES  # two in flight, one on its way to the disk
    for workers, name in (("2", "again"), ("1", "once more")):
        done = subprocess.run(
            [*command, str(tmp_path / name), "--workers", workers], env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert log.read_text().count("begin") == begun + FRAMES - stored  # and none by the last
    evaluated = CliRunner().invoke(app, [*command[3:], str(tmp_path / "alone")], env={"TOY_LOG": ""})
    assert evaluated.exit_code == 0
    assert len({(tmp_path / name).read_text() for name in ("again", "once more", "alone")}) == 1


def _settled(log):
    """Wait until the workers of a killed process have ended too."""
    before = -1
    while (now := log.stat().st_size) != before:
        before = now
        time.sleep(1.5)


@pytest.mark.usefixtures("dask")
def test_a_killed_worker_is_one_sentence_and_what_was_evaluated_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_FAIL", "8:kills_its_worker")
    base = load_base(TOY)
    cache = EvaluationCache(base.identity.key, tmp_path)
    frames = [*map(structure, range(BATCH_FRAMES)), structure(0, size=2)]
    with pytest.raises(
        SoftfixError, match=r"killed while it was evaluating the base for pool.extxyz, frame 1 .*fewer workers"
    ):
        evaluate_base(base, frames, cache, workers=Workers(2))
    monkeypatch.delenv("TOY_FAIL")
    assert len(evaluate_base(base, frames, cache)) == len(frames)


@pytest.mark.usefixtures("dask")
def test_numbers_that_are_not_finite_are_told_as_in_one_process(monkeypatch):
    monkeypatch.setenv("TOY_FAIL", "4:gives_nan")
    with pytest.raises(SoftfixError, match="frame 1: the base gives a number that is not finite"):
        evaluate_base(load_base(TOY), [structure(0)], workers=TWO)


class Locked(EMT):
    """A calculator that no other process can have."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


@pytest.mark.usefixtures("dask")
def test_a_calculator_that_cannot_be_sent_is_one_sentence():
    with pytest.raises(SoftfixError, match=r"Locked' can't be sent to another process .*package\.module:factory"):
        evaluate_base(load_base(Locked()), [structure(0)], workers=TWO)


@pytest.mark.usefixtures("dask")
def test_what_is_cached_needs_no_workers(soft_base, monkeypatch):
    frames = [labelled(alloy(0, size=1))]
    evaluate_base(soft_base, frames)
    monkeypatch.setattr(Workers, "client", None)
    assert len(evaluate_base(soft_base, frames, workers=TWO)) == 1


def test_workers_without_dask_are_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SoftfixError, match=r"dask, which is not installed: pip install 'softfix\[parallel\]'"):
        evaluate_base(load_base(SoftEMT()), [structure(0)], workers=TWO)


@pytest.mark.parametrize("words", [["fit", "-o", "x.softfix"], ["evaluate"], ["diagnose"]])
def test_commands_say_that_dask_is_missing(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "distributed", None)
    write_frames(tmp_path / "frames.extxyz", [labelled(alloy(0, size=1))])
    assert len(read_frames(tmp_path / "frames.extxyz")) == 1
    done = CliRunner().invoke(app, [words[0], "frames.extxyz", "--base", TOY, "--workers", "2", *words[1:]])
    assert isinstance(done.exception, SoftfixError)
    assert "softfix[parallel]" in str(done.exception)
