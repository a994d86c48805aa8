"""MACE in training, for real, with the project's small MACE on our own HfO2 frames."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mace", reason="the extra mace is not installed")

from softfix.bases import load_base
from softfix.data import read_frames
from softfix.errors import SoftfixError
from softfix.evaluations import evaluate_base
from softfix.finetune import FinetuneSettings, finetune
from softfix.finetune.mace import MACETrainee
from softfix.finetune.targets import targets_of
from softfix.measure import GPA, measure

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
SPEC = f"mace:{ROOT / 'calibration' / 'mace-small' / 'mace-small.model'}"
STILL = FinetuneSettings(epochs=1, learning_rate=1e-12)


@pytest.fixture(scope="module")
def hafnia():
    """Frames that the small MACE was not trained on."""
    return read_frames(ROOT / "examples" / "HfO2" / "test.extxyz")[:3]


@pytest.mark.parametrize("labels", [{"energy", "forces"}, {"stress"}], ids=lambda labels: "+".join(sorted(labels)))
def test_training_lowers_the_error_and_the_result_is_a_base(hafnia, tmp_path, labels):
    """The small MACE never saw a stress, and is too small to learn it with its forces in a few epochs."""
    settings = FinetuneSettings(epochs=40, labels=labels)
    tuned = load_base(finetune(hafnia, SPEC, tmp_path / "tuned", settings).spec)
    before = measure(hafnia, evaluate_base(load_base(SPEC), hafnia))
    after = measure(hafnia, evaluate_base(tuned, hafnia))
    if "forces" in labels:
        assert after.force_mae_eV_A < 0.8 * before.force_mae_eV_A
    else:
        assert after.stress_mae_GPa < 0.5 * before.stress_mae_GPa
    assert tuned.elements == {8, 72}
    assert tuned.identity.weights_sha256 != load_base(SPEC).identity.weights_sha256
    assert not (tmp_path / "tuned" / "checkpoint.pt").exists()


def test_without_training_only_the_composition_offset_changes(hafnia, tmp_path):
    far = [replace(frame, energy=frame.energy + 50.0 * len(frame)) for frame in hafnia]
    result = finetune(far, SPEC, tmp_path / "still", STILL)
    base, tuned = (evaluate_base(load_base(spec), hafnia) for spec in (SPEC, result.spec))
    record = json.loads((tmp_path / "still" / "finetune.json").read_text())
    for frame, one, other in zip(hafnia, base, tuned, strict=True):
        shift = sum(record["offsets_eV"][str(z)] for z in frame.numbers)
        assert other.energy - one.energy == pytest.approx(shift, abs=1e-6)
        np.testing.assert_allclose(other.forces, one.forces, atol=1e-7)
        np.testing.assert_allclose(other.stress, one.stress, atol=1e-7)


def test_the_loss_is_that_of_the_settings_in_sign_and_unit(hafnia):
    """On its own labels the loss vanishes, and on labels off by known amounts it is the weighted sum of squares."""
    base, settings = load_base(SPEC), FinetuneSettings()
    known = evaluate_base(base, hafnia)
    off = (0.02, 0.3, 0.01)  # eV/atom, eV/Å, eV/Å^3
    targets = targets_of(hafnia, known, settings.labels)
    own = [
        replace(item, energy=e.energy, forces=e.forces, stress=e.stress)
        for item, e in zip(targets.items, known, strict=True)
    ]
    moved = [
        replace(item, energy=item.energy + off[0] * len(item.frame), forces=item.forces + off[1],
                stress=item.stress + off[2])
        for item in own
    ]  # fmt: skip
    trainee = MACETrainee(base, replace(targets, items=own + moved), replace(targets, items=moved), settings)
    assert float(trainee.loss([0, 1, 2]).detach()) < 1e-12
    expected = off[0] ** 2 + off[1] ** 2 + 0.1 * (off[2] * GPA) ** 2
    assert float(trainee.loss([3, 4, 5]).detach()) == pytest.approx(expected)
    assert float(trainee.loss([0, 5]).detach()) == pytest.approx(expected / 2)
    assert trainee.force_error() == pytest.approx(off[1])
    without = replace(targets, items=moved, kinds=frozenset({"energy"}))
    assert float(MACETrainee(base, without, without, settings).loss([0]).detach()) == pytest.approx(off[0] ** 2)


def test_a_folder_is_a_base_if_it_holds_one_model(tmp_path):
    shutil.copy(SPEC.removeprefix("mace:"), tmp_path / "one.model")
    base = load_base(f"mace:{tmp_path}")
    assert base.identity.version == "one"
    assert base.identity.weights_sha256 == load_base(SPEC).identity.weights_sha256
    shutil.copy(tmp_path / "one.model", tmp_path / "two.model")
    with pytest.raises(SoftfixError, match=r"holds 2 MACE models.*name one"):
        load_base(f"mace:{tmp_path}")
