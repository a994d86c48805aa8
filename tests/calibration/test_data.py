"""Sets of DFT frames of our own: what their recipes describe, what is committed, and that both scripts run."""

import json
import sys

import numpy as np
import pytest

from softfix.data import read_frames
from softfix.data.check import check_cell, check_distances
from softfix.doctor import examine
from softfix.label import load_protocol
from tests.calibration.test_dry_run import BASE, CALIBRATION, run

TRUTH = "tests.learn.toy:Truth"
SETS = sorted(path.name.removesuffix(".extxyz") for path in (CALIBRATION / "data").glob("*.extxyz"))
VOLUMES = (7.0, 40.0)  # Å^3 per atom

sys.path.insert(0, str(CALIBRATION / "data"))
from make import Phase, make, recipes  # noqa: E402


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(CALIBRATION.parent))


@pytest.mark.parametrize("name", recipes())
def test_the_phases_of_a_recipe_are_crystals_of_one_composition(name):
    frames = [phase.frame(phase_name) for phase_name, phase in recipes()[name].phases.items()]
    for frame in frames:
        check_cell(frame)
        check_distances(frame)
        assert VOLUMES[0] < frame.volume / len(frame) < VOLUMES[1]
    assert len({tuple(sorted(frame.numbers)) for frame in frames}) <= 1


@pytest.mark.parametrize("name", SETS)
def test_a_committed_set_is_labelled_and_the_doctor_is_content(name):
    frames = read_frames(CALIBRATION / "data" / f"{name}.extxyz")
    assert f"| {name} | {len(frames)} |" in (CALIBRATION / "data" / "README.md").read_text()
    assert 2 <= len(frames) <= 50
    for frame in frames:
        assert frame.energy is not None
        assert "GPAW" in frame.level
        assert np.abs(frame.forces.sum(axis=0)).max() < 0.02 * len(frame)
    assert not [finding for finding in examine(frames).findings if finding.sure == "certain"]


def test_a_set_is_sampled_labelled_and_not_made_twice(tmp_path):
    arguments = ("data/make.py", "Al", "--output", tmp_path, "--base", BASE, "--calculator", TRUTH)
    number = recipes()["Al"].number
    assert f"{number} computed now" in run(*arguments)
    assert len(read_frames(tmp_path / "Al.extxyz")) == number
    assert "0 computed now" in run(*arguments)


def test_learning_is_compared_with_random_labels(tmp_path):
    options = ("--base", BASE, "--calculator", TRUTH, "--temperature", 300, "--steps", 120, "--max-labels", 2)
    run("learn/compare.py", "Al", "--output", tmp_path, *options)
    record = json.loads((tmp_path / "result.json").read_text())
    assert record["random_labels"] == 10 * record["labels"] > 0
    assert record["force_mae_eV_A"]["learned"] < record["force_mae_eV_A"]["base"]


def test_phases_are_relaxed_and_nothing_is_labelled_twice(tmp_path):
    """Recipe of two phases whose labels are of a toy; the second run finds every step in the store."""
    recipe = recipes()["PbTiO3-relaxed"].model_copy(update={"phases": {"fcc": copper(3.7), "strained": copper(3.5)}})
    for _ in range(2):
        make("copper", recipe, BASE, tmp_path, load_protocol(TRUTH), workers=1)
        done = (tmp_path / "copper.extxyz.jobs.jsonl").read_bytes()
        one, other = read_frames(tmp_path / "copper.extxyz")
        assert one.volume == pytest.approx(other.volume, rel=1e-2)
        assert np.abs(one.stress).max() * one.volume < 0.01 * len(one)
        assert one.config_type == "phase:fcc"
    assert (tmp_path / "copper.extxyz.jobs.jsonl").read_bytes() == done


def copper(edge):
    return Phase(symbols=["Cu"], basis=[(0, 0, 0)], spacegroup=225, cell=(edge, edge, edge, 90, 90, 90))
