"""The example script fine-tunes a real base, prints what it measured and leaves a base behind."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from softfix.bases import load_base

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]


def test_the_example_prints_the_error_before_and_after(tmp_path, monkeypatch):
    pytest.importorskip("chgnet", reason="the extra chgnet is not installed")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    data = ROOT / "examples" / "HfO2"
    command = [sys.executable, ROOT / "examples" / "finetune.py", "chgnet", data / "train.extxyz", data / "test.extxyz"]
    command += [tmp_path / "tuned", "--epochs", "2"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Trained 2 epochs on 10 frames" in done.stdout
    before, after = map(float, re.search(r"force MAE, eV/Å +(\S+) +(\S+)", done.stdout).groups())
    assert after < before
    assert load_base(f"chgnet:{tmp_path / 'tuned'}").identity.family == "chgnet"
