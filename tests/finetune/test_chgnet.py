"""CHGNet in training, for real, on our own HfO2 frames."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("chgnet", reason="the chgnet package is not installed")

from softfix.bases import load_base
from softfix.data import read_frames, write_frames
from softfix.evaluations import evaluate_base
from softfix.finetune import FinetuneSettings, finetune
from softfix.measure import measure

pytestmark = pytest.mark.real
EXAMPLE = Path(__file__).parents[2] / "examples" / "HfO2" / "train.extxyz"
STILL = FinetuneSettings(epochs=1, learning_rate=1e-12)


@pytest.fixture(scope="module")
def hafnia():
    return read_frames(EXAMPLE)[:3]


def test_training_lowers_the_error_and_the_result_is_a_base(hafnia, tmp_path):
    result = finetune(hafnia, "chgnet", tmp_path / "tuned", FinetuneSettings(epochs=8))
    tuned = load_base(result.spec)
    before = measure(hafnia, evaluate_base(load_base("chgnet"), hafnia))
    after = measure(hafnia, evaluate_base(tuned, hafnia))
    assert after.force_mae_eV_A < 0.8 * before.force_mae_eV_A
    assert tuned.identity.weights_sha256 != load_base("chgnet").identity.weights_sha256
    assert not (tmp_path / "tuned" / "checkpoint.pt").exists()


def test_without_training_only_the_composition_offset_changes(hafnia, tmp_path):
    far = [replace(frame, energy=frame.energy + 50.0 * len(frame)) for frame in hafnia]
    result = finetune(far, "chgnet", tmp_path / "still", STILL)
    base, tuned = (evaluate_base(load_base(spec), hafnia) for spec in ("chgnet", result.spec))
    record = json.loads((tmp_path / "still" / "finetune.json").read_text())
    for frame, one, other in zip(hafnia, base, tuned, strict=True):
        shift = sum(record["offsets_eV"][str(z)] for z in frame.numbers)
        assert other.energy - one.energy == pytest.approx(shift, abs=1e-3 * len(frame))
        np.testing.assert_allclose(other.forces, one.forces, atol=1e-4)
        np.testing.assert_allclose(other.stress, one.stress, atol=1e-5)


def test_stress_is_trained_in_the_sign_and_unit_of_the_base(hafnia, tmp_path):
    """The loss of a model on its own labels vanishes: a wrong sign or unit would not."""
    base = load_base("chgnet")
    own = [
        replace(frame, energy=e.energy, forces=e.forces, stress=e.stress)
        for frame, e in zip(hafnia, evaluate_base(base, hafnia), strict=True)
    ]
    finetune(own, base, tmp_path / "own", STILL)
    record = json.loads((tmp_path / "own" / "finetune.json").read_text())
    assert record["trained_on"] == ["energy", "forces", "stress"]
    assert record["progress"]["train_loss"][0] < 1e-6


def test_a_killed_run_goes_on_and_a_finished_one_is_not_repeated(hafnia, tmp_path):
    write_frames(tmp_path / "train.extxyz", hafnia[:1])
    settings = FinetuneSettings(epochs=3)
    (tmp_path / "quick.json").write_text(json.dumps({"epochs": 3}))
    command = [sys.executable, "-m", "softfix", "finetune", tmp_path / "train.extxyz", "--base", "chgnet"]
    command += ["-o", tmp_path / "run", "--config", tmp_path / "quick.json"]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert f"chgnet:{tmp_path / 'run'}" in run.stdout.replace("\n", "")
    again = finetune(read_frames(tmp_path / "train.extxyz"), "chgnet", tmp_path / "run", settings)
    assert again.seconds == 0.0
    assert again.progress.epoch == 3
