"""What is trained on: offsets removed, missing labels from the base, differences made whole."""

from dataclasses import replace

import numpy as np
import pytest

from softfix.errors import SoftfixError
from softfix.evaluations import evaluate_base
from softfix.finetune import FinetuneSettings
from softfix.finetune.finetune import split
from softfix.finetune.targets import targets_of, without_references
from tests.conftest import alloy, labelled

ALL = frozenset({"energy", "forces", "stress"})


def shifted(frame, energy):
    return replace(frame, energy=frame.energy + energy * len(frame))


def test_a_constant_per_atom_is_an_offset_and_not_a_target(frames, soft_base):
    base = evaluate_base(soft_base, frames)
    plain = targets_of(frames, base, ALL)
    moved = targets_of([shifted(frame, 1e4) for frame in frames], base, ALL)
    for one, other in zip(plain.items, moved.items, strict=True):
        assert one.energy == pytest.approx(other.energy, abs=1e-6)
    assert moved.offsets[29] - plain.offsets[29] == pytest.approx(1e4)
    assert moved.offsets[79] - plain.offsets[79] == pytest.approx(1e4)


def test_one_composition_gets_equal_offsets(frames, soft_base):
    base = evaluate_base(soft_base, frames)
    offsets = targets_of([shifted(frame, 7.0) for frame in frames], base, ALL).offsets
    assert offsets[29] == pytest.approx(offsets[79])


def test_a_label_that_one_frame_lacks_is_the_base_s(frames, soft_base):
    base = evaluate_base(soft_base, frames)
    frames = [replace(frames[0], stress=None, energy=None), *frames[1:]]
    targets = targets_of(frames, base, ALL)
    assert targets.kinds == ALL
    np.testing.assert_array_equal(targets.items[0].stress, base[0].stress)
    assert targets.items[0].energy == base[0].energy


def test_a_label_that_all_frames_lack_is_not_trained_on(frames, soft_base):
    base = evaluate_base(soft_base, frames)
    bare = [replace(frame, stress=None) for frame in frames]
    assert targets_of(bare, base, ALL).kinds == {"energy", "forces"}
    with pytest.raises(SoftfixError, match="none of the labels"):
        targets_of(bare, base, frozenset({"stress"}))


def test_differences_against_a_perfect_structure_get_its_forces_back(soft_base):
    moved, perfect = labelled(alloy(0)), labelled(alloy(0, rattle=0.0))
    frame = replace(moved, forces=moved.forces - perfect.forces, reference=perfect)
    (plain,) = without_references([frame], soft_base)
    expected = frame.forces + evaluate_base(soft_base, [perfect])[0].forces
    np.testing.assert_allclose(plain.forces, expected, atol=1e-12)
    assert plain.reference is None


def test_frames_are_held_out_only_where_there_are_many(frames):
    settings = FinetuneSettings(hold_out=0.5, hold_out_from=6)
    train, held = split(frames, settings)
    assert len(train) == len(held) == 3
    assert not {id(frame) for frame in train} & {id(frame) for frame in held}
    assert split(frames[:5], settings) == (frames[:5], [])
