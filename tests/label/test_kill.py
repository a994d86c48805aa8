"""Kills at any moment: of the whole run, of a worker on a frame."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from softfix.cli import app
from softfix.data import read_frames, write_frames
from softfix.errors import SoftfixError
from softfix.label import Workers, label_frames, load_protocol
from tests.label.test_run import structure

TOY = "tests.label.toy:ToyDFT"
FRAMES = 20
KILLED = (1, 2, 1, 1, 1)  # workers of the runs that are killed


@pytest.fixture(autouse=True)
def dask():
    """All of this file needs workers."""
    pytest.importorskip("distributed", reason="the extra parallel is not installed")


def command(folder, *more):
    return [sys.executable, "-m", "softfix", "label", str(folder / "pool.extxyz"), "--calculator", TOY,
            "-o", str(folder / "labelled.extxyz"), *more]  # fmt: skip


def environment(folder, **more):
    return {**os.environ, "TOY_LOG": str(folder / "computations.log"), **more}


def sources(folder):
    """Computations that began and that ended, by frame."""
    lines = (folder / "computations.log").read_text().splitlines()
    return [Counter(line.split()[2] for line in lines if line.startswith(what)) for what in ("begin", "end")]


def wait_for_computations(folder, count, process):
    log = folder / "computations.log"
    while process.poll() is None and (not log.exists() or log.read_text().count("begin") < count):
        assert_whole(folder / "labelled.extxyz")
        time.sleep(0.04)


def test_after_kills_at_random_moments_a_run_goes_on_and_loses_and_repeats_nothing(tmp_path):
    chance = random.Random(0)
    write_frames(tmp_path / "pool.extxyz", [structure(seed) for seed in range(FRAMES)])
    output, begun = tmp_path / "labelled.extxyz", 0
    for workers in KILLED:
        run = subprocess.Popen(
            command(tmp_path, "--workers", str(workers)), env=environment(tmp_path, TOY_DELAY="0.15"),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for_computations(tmp_path, begun + chance.randint(1, 3), run)
        time.sleep(chance.uniform(0.0, 0.2))
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
        time.sleep(0.5 if workers > 1 else 0.0)  # its workers notice, and end
        assert_whole(output)
        begun = sum(sources(tmp_path)[0].values())
    last = subprocess.run(
        command(tmp_path), env=environment(tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert last.returncode == 0, last.stderr
    assert len(read_frames(output)) == len({frame.content_hash for frame in read_frames(output)}) == FRAMES
    started, _ = sources(tmp_path)
    assert len(started) == FRAMES
    assert sum(started.values()) - FRAMES <= sum(KILLED)  # those in flight
    assert not output.with_name(output.name + ".lock").exists()


def assert_whole(output):
    """The output is absent or reads, and the store holds every frame in it."""
    if output.exists():
        found = {frame.content_hash for frame in read_frames(output)}
        lines = output.with_name(output.name + ".jobs.jsonl").read_bytes().splitlines(keepends=True)
        assert found <= {json.loads(line)["frame"] for line in lines if line.endswith(b"\n")}


def test_a_worker_killed_on_a_frame_costs_that_frame_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "computations.log"))
    monkeypatch.setenv("TOY_FAIL", "8:kills_its_worker")
    frames = [structure(0), structure(1, size=2), structure(2), structure(3)]
    output = tmp_path / "labelled.extxyz"
    summary = label_frames(frames, load_protocol(TOY), output, Workers(2))
    assert [len(frame) for frame in read_frames(output)] == [4, 4, 4]
    ((frame, reason),) = summary.failed
    assert len(frame) == 8
    assert reason == "its worker was killed on it, with no other frame running (out of memory?)"


def test_frames_can_be_labelled_through_a_scheduler_of_the_user(tmp_path):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=3, processes=False, dashboard_address=None) as cluster:
        workers = Workers(scheduler=cluster.scheduler_address)
        summary = label_frames([structure(0), structure(1)], load_protocol(TOY), tmp_path / "l.extxyz", workers)
    assert len(summary.labelled) == 2


def test_slurm_without_its_package_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(SoftfixError, match="pip install dask-jobqueue"):
        label_frames([structure(0)], load_protocol(TOY), tmp_path / "l.extxyz", Workers(2, slurm=True))


def test_slurm_jobs_are_asked_for_as_many_as_workers_and_used(tmp_path, monkeypatch):
    from distributed import LocalCluster

    asked = []

    class SLURMCluster(LocalCluster):
        def __init__(self):
            super().__init__(n_workers=0, threads_per_worker=1, processes=False, dashboard_address=None)

        def scale(self, jobs):
            asked.append(jobs)
            super().scale(min(jobs, 1))

    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=SLURMCluster))
    summary = label_frames([structure(0)], load_protocol(TOY), tmp_path / "l.extxyz", Workers(3, slurm=True))
    assert asked[0] == 3
    assert len(summary.labelled) == 1


def test_slurm_jobs_that_are_not_described_are_one_sentence(tmp_path, monkeypatch):
    def undescribed():
        raise ValueError("You must specify how many cores to use per job")

    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=undescribed))
    with pytest.raises(SoftfixError, match=r"how many cores.*jobqueue\.yaml"):
        label_frames([structure(0)], load_protocol(TOY), tmp_path / "l.extxyz", Workers(2, slurm=True))


def test_a_scheduler_that_does_not_answer_is_one_sentence(tmp_path):
    import dask
    import distributed  # noqa: F401  # its settings go before ours

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "300ms"}),
        pytest.raises(SoftfixError, match=r"No dask scheduler answers at tcp://127\.0\.0\.1:9"),
    ):
        label_frames([structure(0)], load_protocol(TOY), tmp_path / "l.extxyz", Workers(scheduler="tcp://127.0.0.1:9"))


def test_a_dry_run_writes_nothing(tmp_path):
    write_frames(tmp_path / "pool.extxyz", [structure(0), structure(1, size=2)])
    run = CliRunner().invoke(app, [*command(tmp_path)[3:], "--dry-run"])
    assert run.exit_code == 0
    assert "2 frames to label" in run.stdout
    assert "Cu8" in run.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["pool.extxyz"]


def test_a_failure_on_the_command_line_is_one_sentence_and_exit_status_1(tmp_path):
    write_frames(tmp_path / "pool.extxyz", [structure(0), structure(1, size=2)])
    run = subprocess.run(
        command(tmp_path), env=environment(tmp_path, TOY_FAIL="8:does_not_converge"), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert "Labelled 1 of 2 frames" in run.stdout
    assert run.stderr.startswith("softfix: One frame has no label (")
    assert "SCF not converged" in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
