"""The scripts of calibration/properties run on toys, and do not measure twice."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from softfix.data import write_frames
from tests.calibration.test_dry_run import BASE, CALIBRATION, run
from tests.conftest import labelled

pytest.importorskip("matplotlib", reason="the extra report is not installed")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A compound of two elements in the form of the shared phonon sets."""
    monkeypatch.setenv("PYTHONPATH", str(CALIBRATION.parent))
    unit = Atoms("CuAu", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=[2.83, 2.83, 3.72], pbc=True)
    perfect, displaced = unit * (2, 2, 2), []
    for atom in (0, 1):
        for axis in (0, 2):
            moved = perfect.copy()
            moved.positions[atom, axis] += 0.01
            displaced.append(replace(labelled(moved), energy=None, stress=None, config_type="CuAu"))
    start = perfect.copy()
    start.info["config_type"] = "CuAu"
    write(tmp_path / "phonons-perfect.extxyz.gz", start, format="extxyz")
    write_frames(tmp_path / "phonons-displaced.extxyz.gz", displaced)
    return tmp_path


def test_phonons_of_a_soft_toy_are_mended_and_not_measured_twice(folder):
    text = run("properties/phonons.py", folder, "--base", BASE, "-k", 2, "--output", folder)
    (line,) = (json.loads(line) for line in (folder / "phonons.jsonl").read_text().splitlines())
    assert line["base force-constant slope"] == pytest.approx(0.8, abs=1e-3)
    assert line["base max frequency ratio"] == pytest.approx(np.sqrt(0.8), abs=1e-3)
    assert abs(line["corrected max frequency ratio"] - 1.0) < 0.3 * abs(line["base max frequency ratio"] - 1.0)
    assert "| 2 of 4 |" in (folder / "phonons.md").read_text()
    assert (folder / "phonons.svg").read_text().count("<svg") == 1
    assert run("properties/phonons.py", folder, "--base", BASE, "-k", 2, "--output", folder) == text
    assert len((folder / "phonons.jsonl").read_text().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("script", ["caomgo.py", "ferroelectrics.py"])
def test_scripts_of_gpaw_frames_print_their_table(folder, shared, script):
    text = run(f"properties/{script}", shared / "data", "--base", "ase.calculators.lj:LennardJones", "--output", folder)
    assert "| softfix" in text
    assert any(folder.glob(f"{script.removesuffix('.py')}.json*"))
