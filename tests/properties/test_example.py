"""The example of the double wells runs on its frames."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.real
def test_the_double_wells_of_the_example_are_drawn(tmp_path):
    pytest.importorskip("chgnet", reason="the chgnet package is not installed")
    frames = [ROOT / "examples" / "BaTiO3" / f"{part}.extxyz" for part in ("train", "test")]
    command = [sys.executable, ROOT / "examples" / "double_well.py", "chgnet", *frames, tmp_path / "wells.svg"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    depths = {tuple(line.split()[:2]): float(line.split()[3]) for line in done.stdout.splitlines()}
    assert depths["[001]", "DFT"] == pytest.approx(-25.6, abs=0.1)
    assert depths["[001]", "corrected"] == pytest.approx(depths["[001]", "DFT"], abs=6.0)
    assert (tmp_path / "wells.svg").read_text().count("<svg") == 1
