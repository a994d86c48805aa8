"""The example that goes from a CIF to a corrected potential runs, and goes on where it was stopped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ase.spacegroup import crystal

import softfix
from softfix.data import read_frames

ROOT = Path(__file__).parents[2]


def test_a_cif_becomes_a_correction_and_nothing_is_labelled_twice(tmp_path):
    pytest.importorskip("distributed", reason="the extra parallel is not installed")
    crystal(["Au", "Cu"], [(0, 0, 0), (0, 0.5, 0.5)], spacegroup=221, cellpar=[3.8] * 3 + [90] * 3).write(
        tmp_path / "Cu3Au.cif"
    )
    command = ["bash", ROOT / "examples" / "from_cif.sh", tmp_path / "Cu3Au.cif", tmp_path / "out"]
    environment = os.environ | {
        "BASE": "tests.conftest:SoftEMT", "CALCULATOR": "tests.learn.toy:Truth", "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    for computed in (10, 0):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert f"Labelled 10 of 10 frames, {computed} computed now" in done.stdout + done.stderr
    correction = softfix.load_correction(tmp_path / "out" / "corrected.softfix")
    assert correction.data.frames == len(read_frames(tmp_path / "out" / "labelled.extxyz")) == 10
    assert correction.fit.domain != "none"
