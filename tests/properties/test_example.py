"""The example of the double wells runs on its frames."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from softfix.properties.result import read_result

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


@pytest.mark.slow
@pytest.mark.real
def test_the_example_of_a_ferroelectric_runs_and_its_soft_modes_are_those_of_gpaw(tmp_path):
    pytest.importorskip("chgnet", reason="the chgnet package is not installed")
    environment = {**os.environ, "QUICK": "--quick", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", ROOT / "examples" / "ferroelectric.sh", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, env=environment)
    assert done.returncode == 0, done.stderr
    modes = read_result(tmp_path / "soft-modes")
    soft, error = modes.row("softest frequency"), modes.row("frequency error (rms)")
    assert soft.corrected == pytest.approx(soft.reference, abs=0.3)  # THz
    assert error.corrected < 0.7 * error.base
    edge = read_result(tmp_path / "polarisation").row("a of cubic")
    assert abs(edge.corrected - edge.reference) < 0.5 * abs(edge.base - edge.reference)
    assert read_result(tmp_path / "domain-wall").row("wall energy").corrected > 100.0  # mJ/m^2
    assert len(read_result(tmp_path / "order-parameter").rows) == 3
