"""M3GNet in training, for real, on our own HfO2 frames."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matgl", reason="the extra matgl is not installed")

from softfix.bases import load_base
from softfix.data import read_frames
from softfix.errors import SoftfixError
from softfix.evaluations import evaluate_base
from softfix.finetune import FinetuneSettings, finetune
from softfix.finetune.matgl import MatglTrainee
from softfix.finetune.targets import targets_of
from softfix.measure import GPA, measure

pytestmark = pytest.mark.real
EXAMPLE = Path(__file__).parents[2] / "examples" / "HfO2" / "train.extxyz"
STILL = FinetuneSettings(epochs=1, learning_rate=1e-12)


@pytest.fixture
def spec(shared):
    return f"matgl:{shared / 'weights' / 'M3GNet-MP-2021.2.8-PES'}"


@pytest.fixture(scope="module")
def hafnia():
    return read_frames(EXAMPLE)[:3]


def test_training_lowers_the_error_and_the_result_is_a_base(spec, hafnia, tmp_path):
    result = finetune(hafnia, spec, tmp_path / "tuned", FinetuneSettings(epochs=20))
    tuned = load_base(result.spec)
    before = measure(hafnia, evaluate_base(load_base(spec), hafnia))
    after = measure(hafnia, evaluate_base(tuned, hafnia))
    assert after.force_mae_eV_A < 0.8 * before.force_mae_eV_A
    assert tuned.identity.weights_sha256 != load_base(spec).identity.weights_sha256
    assert not (tmp_path / "tuned" / "checkpoint.pt").exists()


def test_without_training_only_the_composition_offset_changes(spec, hafnia, tmp_path):
    """Old weights keep their message convention, whose loss would change the forces by eV/Å."""
    far = [replace(frame, energy=frame.energy + 50.0 * len(frame)) for frame in hafnia]
    result = finetune(far, spec, tmp_path / "still", STILL)
    assert load_base(result.spec).before_matgl_3
    base, tuned = (evaluate_base(load_base(name), hafnia) for name in (spec, result.spec))
    record = json.loads((tmp_path / "still" / "finetune.json").read_text())
    for frame, one, other in zip(hafnia, base, tuned, strict=True):
        shift = sum(record["offsets_eV"][str(z)] for z in frame.numbers)
        assert other.energy - one.energy == pytest.approx(shift, abs=1e-3)
        np.testing.assert_allclose(other.forces, one.forces, atol=1e-4)
        np.testing.assert_allclose(other.stress, one.stress, atol=1e-5)


def test_the_age_of_fine_tuned_weights_is_noted_once_and_for_all(spec, hafnia, tmp_path):
    first = finetune(hafnia[:1], spec, tmp_path / "first", STILL)
    second = finetune(hafnia[:1], first.spec, tmp_path / "second", STILL)
    note = json.loads((tmp_path / "second" / "model.json").read_text())["metadata"]["softfix"]
    assert note == {"fine_tuned_from": first.spec, "before_matgl_3": True}
    one, other = (evaluate_base(load_base(name), hafnia)[0] for name in (spec, second.spec))
    np.testing.assert_allclose(other.forces, one.forces, atol=1e-4)


def shifted(item, energy, force, stress):
    energy = item.energy + energy * len(item.frame)
    return replace(item, energy=energy, forces=item.forces + force, stress=item.stress + stress)


def test_the_loss_is_that_of_the_settings_in_sign_and_unit(spec, hafnia):
    """On its own labels the loss vanishes, and on labels off by known amounts it is the weighted sum of squares."""
    base, settings = load_base(spec), FinetuneSettings()
    known = evaluate_base(base, hafnia)
    off = (0.02, 0.3, 0.01)  # eV/atom, eV/Å, eV/Å^3
    targets = targets_of(hafnia, known, settings.labels)
    own = [
        replace(item, energy=e.energy, forces=e.forces, stress=e.stress)
        for item, e in zip(targets.items, known, strict=True)
    ]
    moved = [shifted(item, *off) for item in own]
    trainee = MatglTrainee(base, replace(targets, items=own + moved), replace(targets, items=moved), settings)
    assert float(trainee.loss([0, 1, 2]).detach()) < 1e-6
    expected = off[0] ** 2 + off[1] ** 2 + 0.1 * (off[2] * GPA) ** 2
    assert float(trainee.loss([3, 4, 5]).detach()) == pytest.approx(expected, rel=1e-3)
    assert float(trainee.loss([0, 5]).detach()) == pytest.approx(expected / 2, rel=1e-3)
    assert trainee.force_error() == pytest.approx(off[1], rel=1e-4)
    without = replace(targets, items=moved, kinds=frozenset({"energy"}))
    loss = MatglTrainee(base, without, without, settings).loss([0])
    assert float(loss.detach()) == pytest.approx(off[0] ** 2, rel=1e-2)


def test_a_model_without_element_references_gets_them(spec, hafnia, tmp_path):
    base, settings = load_base(spec), FinetuneSettings()
    targets = targets_of(hafnia, evaluate_base(base, hafnia), settings.labels)
    trainee = MatglTrainee(base, targets, targets, settings)
    trainee.model.element_refs = None
    trainee.model._init_args["element_refs"] = None
    trainee.save(tmp_path, {72: -2.0, 8: -1.0})
    references = load_base(f"matgl:{tmp_path}").model().element_refs.property_offset
    assert references[71] == -2.0
    assert references[7] == -1.0
    assert references.sum() == -3.0


def test_a_frame_without_a_cell_has_no_stress_to_train_on(spec, hafnia):
    base, settings = load_base(spec), FinetuneSettings()
    targets = targets_of(hafnia, evaluate_base(base, hafnia), settings.labels)
    bare = replace(hafnia[0], cell=np.zeros((3, 3)), pbc=np.zeros(3, dtype=bool))
    molecule = replace(targets, items=[replace(targets.items[0], frame=bare)])
    with pytest.raises(SoftfixError, match="no cell"):
        MatglTrainee(base, molecule, targets, settings)
