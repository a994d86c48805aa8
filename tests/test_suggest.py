"""Frames to label next: by information, not twice the same, without labels or base."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from softfix.cli import app
from softfix.core.selection import herd, information, informed, mismatch, most_informative, overlaps
from softfix.data import read_frames, write_frames
from softfix.data.keys import LabelKeys
from softfix.errors import SoftfixError
from softfix.fitting import fit
from softfix.settings import FitSettings
from softfix.suggest import suggest
from tests.conftest import alloy, labelled

QUICK = FitSettings.model_validate(
    {"basis": {"pair_count": 6, "three_count": 2, "many_count": 3, "anchors": 16, "three_cutoff": 5.0}}
)


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


def test_the_most_informative_frame_comes_first_and_its_copies_last():
    rng = np.random.default_rng(3)
    small, large = rng.normal(size=(4, 7)), 3.0 * rng.normal(size=(4, 7))
    other = rng.normal(size=(4, 7))
    order = most_informative([small, large, large, other], 4)
    assert order[0] == 1
    assert order.index(3) < order.index(2)
    assert 2 in most_informative([small, small, other], 2)


def test_the_mismatch_is_the_distance_between_mean_gram_matrices():
    rng = np.random.default_rng(0)
    Z = [rng.normal(size=(rows, 7)) for rows in (4, 6, 5, 9)]
    gram = np.array([z.T @ z / len(z) for z in Z])
    pool, some = gram.mean(axis=0), gram[[2, 0]].mean(axis=0)
    exact = np.sum((some - pool) ** 2) / np.sum(pool**2)
    assert mismatch(overlaps(Z), [2, 0]) == pytest.approx(exact, rel=1e-10)
    assert mismatch(overlaps(Z), range(4)) == pytest.approx(0.0, abs=1e-12)


def test_each_choice_is_the_best_that_one_more_frame_can_do():
    rng = np.random.default_rng(1)
    K = overlaps([rng.normal(size=(5, 7)) * rng.uniform(0.5, 2.0) for _ in range(9)])
    order = herd(K, 9)
    assert sorted(order) == list(range(9))
    for place in range(4):
        others = [i for i in range(9) if i not in order[:place]]
        assert order[place] == min(others, key=lambda i: mismatch(K, [*order[:place], i]))


def test_frames_stand_for_a_pool_that_holds_two_kinds():
    rng = np.random.default_rng(2)
    kinds = [np.diag([3.0, 0.1, 0.1]), np.diag([0.1, 3.0, 0.1])]
    K = overlaps([rng.normal(size=(40, 3)) @ kinds[i % 2] for i in range(12)])
    assert [sum(i % 2 for i in herd(K, n)) for n in (2, 4, 6)] == [1, 2, 3]


def test_all_of_a_pool_leaves_nothing(pool):
    chosen = suggest(pool, 6, settings=QUICK)
    assert sorted(one.index for one in chosen) == list(range(6))
    assert chosen[-1].mismatch == pytest.approx(0.0, abs=1e-9)


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
