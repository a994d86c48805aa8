"""Frames to label next: by information, not twice the same, without labels or base."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from softfix.cli import app
from softfix.core.selection import information, informed
from softfix.data import read_frames, write_frames
from softfix.data.keys import LabelKeys
from softfix.errors import SoftfixError
from softfix.fit import fit
from softfix.settings import FitSettings
from softfix.suggest import suggest
from tests.conftest import alloy, labelled

QUICK = FitSettings.model_validate({"basis": {"pair_count": 6, "three_count": 2, "three_cutoff": 5.0}})


def bare(frame):
    return replace(frame, energy=None, forces=None, stress=None)


@pytest.fixture(scope="module")
def pool():
    crystals = [bare(labelled(alloy(0, rattle=0.0)))] * 3
    return [*crystals, *(bare(labelled(alloy(seed, rattle=0.05 * seed))) for seed in (1, 2, 3))]


def test_information_is_the_fall_in_entropy():
    rng = np.random.default_rng(0)
    X, root = rng.normal(size=(4, 7)), rng.normal(size=(7, 7))
    before, after = root.T @ root, informed(X, root, 0.3)
    exact = np.linalg.inv(np.linalg.inv(before) + X.T @ X / 0.3**2)
    np.testing.assert_allclose(after.T @ after, exact, rtol=1e-8, atol=1e-10)
    fall = 0.5 * (np.linalg.slogdet(before)[1] - np.linalg.slogdet(exact)[1])
    assert information(X, root, 0.3) == pytest.approx(fall, rel=1e-10)


def test_the_strangest_frame_comes_first_and_copies_last(pool):
    chosen = suggest(pool, 6, settings=QUICK)
    assert [one.index for one in chosen][:3] == [5, 4, 3]
    gains = [one.gain for one in chosen]
    assert gains == sorted(gains, reverse=True)
    assert sorted(one.index for one in chosen[3:]) == [0, 1, 2]
    assert gains[3] > gains[4] > gains[5]


def test_frames_that_a_correction_knows_are_not_asked_for_again(frames, soft_base):
    correction = fit(frames[:2], soft_base, QUICK).correction
    new = labelled(alloy(11, rattle=0.3))
    chosen = suggest([frames[0], frames[1], new], 3, correction)
    assert chosen[0].index == 2
    assert chosen[0].force_std > 2.0 * chosen[1].force_std


def test_other_elements_and_an_empty_pool_are_told(frames, soft_base):
    correction = fit(frames[:2], soft_base, QUICK).correction
    atoms = alloy(9)
    atoms.symbols[:] = "Ag"
    with pytest.raises(SoftfixError, match=r"The pool holds Ag, of which the correction \(Cu, Au\) knows nothing"):
        suggest([labelled(atoms)], 1, correction)
    with pytest.raises(SoftfixError, match="no frames"):
        suggest([], 1)


def test_the_command_writes_the_frames_best_first(pool, tmp_path):
    write_frames(tmp_path / "pool.extxyz", pool[2:])
    told = CliRunner().invoke(
        app,
        ["suggest", str(tmp_path / "pool.extxyz"), "-n", "2", "--base", "ase.calculators.emt:EMT", "-o",
         str(tmp_path / "next.extxyz")],
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    written = read_frames(tmp_path / "next.extxyz", LabelKeys(required=False))
    expected = [one.frame for one in suggest(pool[2:], 2)]
    assert [frame.content_hash for frame in written] == [frame.content_hash for frame in expected]
    neither = CliRunner().invoke(app, ["suggest", str(tmp_path / "pool.extxyz"), "-n", "2"])
    assert isinstance(neither.exception, SoftfixError)
