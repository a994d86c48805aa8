"""Statistics of the parts that are left out: by one process, by several, and in how much memory."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import softfix.core.statistics
import softfix.folds
from softfix.candidate import _gates
from softfix.core.statistics import Gathering
from softfix.evaluations import evaluate_base
from softfix.folds import FOLDS, folds_of
from softfix.prior import choose_basis
from softfix.problem import Problem
from softfix.rows import Surroundings, common_shape, labelled_rows, rows_of
from softfix.settings import FitSettings
from softfix.workers import Workers
from tests.conftest import alloy, labelled

SETTINGS = FitSettings.model_validate(
    {"basis": {"pair_count": 6, "three_count": 2, "many_count": 3, "anchors": 16, "three_cutoff": 5.0}}
)
FORMS = ("local", "global")


@pytest.fixture
def problem(soft_base):
    elements, zero = (29, 79), np.zeros(2)
    frames = [labelled(alloy(seed, size=1)) for seed in range(13)]
    frames[5] = replace(frames[5], stress=None)
    frames[6] = replace(frames[6], energy=None)
    evaluations = evaluate_base(soft_base, frames)
    return Problem(choose_basis(2, SETTINGS), elements, frames, evaluations, zero + 0.1, zero + 0.2, SETTINGS)


def gates_of(problem):
    return _gates(problem, FORMS, Surroundings(problem.basis, problem.elements, problem.frames))


def assert_same(some, others):
    for one, other in zip(some, others, strict=True):
        for mine, its in zip(one, other, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-10, atol=1e-10 * np.abs(its).max())


def test_parts_hold_the_rows_of_their_frames(problem):
    gates = gates_of(problem)
    noise, shape = SETTINGS.noise, common_shape(problem.basis, problem.frames)
    for form, of_form in enumerate(folds_of(problem, gates, shape)):
        assert len(of_form) == FOLDS
        for fold, found in enumerate(of_form):
            gathering = Gathering(len(found.rhs[0]))
            for i in range(fold, len(problem.frames), FOLDS):
                frame, base = problem.frames[i], problem.evaluations[i]
                rows = rows_of(problem.basis, gates, problem.elements, frame, base, problem.reference, shape)[form]
                gathering.add(labelled_rows(rows, frame, base, problem.offsets, problem.elements, SETTINGS.labels,
                                            noise.force_scale, noise.stress_trust))  # fmt: skip
            assert_same([found], [gathering.statistics()])


def test_several_processes_make_the_same_statistics(problem, monkeypatch):
    pytest.importorskip("distributed", reason="the extra parallel is not installed")
    monkeypatch.setattr(softfix.folds, "MANY", 2)
    monkeypatch.setattr(softfix.folds, "PIECE", 2)
    gates, shape = gates_of(problem), common_shape(problem.basis, problem.frames)
    alone, shared = (folds_of(problem, gates, shape, Workers(count)) for count in (1, 2))
    for mine, its in zip(alone, shared, strict=True):
        assert_same(mine, its)


def test_memory_does_not_grow_with_the_frames(problem, frames, soft_base, monkeypatch):
    monkeypatch.setattr(softfix.core.statistics, "TALL", 2)  # so that as few wait of 12 frames as of 120
    problem = replace(problem, frames=frames, evaluations=evaluate_base(soft_base, frames))
    gates, shape = gates_of(problem), common_shape(problem.basis, problem.frames)
    folds_of(problem, gates, shape)  # compiles
    peaks = []
    for times in (2, 20):
        many = replace(problem, frames=problem.frames * times, evaluations=problem.evaluations * times)
        tracemalloc.start()
        gates_of(many)
        folds_of(many, gates, shape)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    phi = problem.basis.features * 8 * sum(map(len, problem.frames)) * (20 - 2)
    assert peaks[1] - peaks[0] < 0.4 * phi  # the rest is garbage that waits to be collected
