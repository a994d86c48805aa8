"""The scripts of calibration/ run, so that they do not rot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from softfix.data import write_frames
from tests.conftest import alloy, labelled

CALIBRATION = Path(__file__).parents[2] / "calibration"
EXAMPLES = Path(__file__).parents[2] / "examples"
BASE = "tests.conftest:SoftEMT"


def run(script, *arguments):
    command = [sys.executable, str(CALIBRATION / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(CALIBRATION.parent))
    for part, seeds in (("train", range(4)), ("test", range(4, 6))):
        write_frames(tmp_path / f"toy-{part}.extxyz.gz", [labelled(alloy(seed, size=1)) for seed in seeds])
    return tmp_path


def test_few_shot_prints_and_writes_a_line_per_k(folder):
    out = folder / "out.json"
    (folder / "quick.json").write_text('{"basis": {"pair_count": 6, "three_count": 0}}')
    text = run("few-shot/measure.py", folder, "toy", "--base", BASE, "-k", 1, "--draws", 2, "-o", out,
               "--config", folder / "quick.json")  # fmt: skip
    assert "toy                1" in text
    assert len(json.loads(out.read_text())["draws"]["toy k=1"]) == 2


def test_the_scan_of_priors_reads_training_frames_alone(folder):
    (folder / "toy-test.extxyz.gz").unlink()
    text = run("priors/scan.py", folder, "toy", "--base", BASE, "-k", 1, "--draws", 1, "--only", "pair only")
    assert "pair only        k=1" in text


def test_the_time_of_a_fit_is_printed():
    text = run("benchmarks/fit_time.py", "--frames", 2, "--repeat", 1, "--runs", 1, "--species", 1)
    assert "fit of 2 frames of 16 atoms, 1 species" in text


@pytest.mark.slow
def test_a_small_mace_is_trained(tmp_path):
    pytest.importorskip("mace", reason="the extra mace is not installed")
    text = run("mace-small/train.py", EXAMPLES / "HfO2" / "train.extxyz", tmp_path / "x.model", "--epochs", 2)
    assert "KiB" in text
    assert (tmp_path / "x.model").stat().st_size > 10_000
