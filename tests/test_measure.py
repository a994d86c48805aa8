"""Measures against made-up errors that are known."""

import numpy as np
import pytest

from softfix.evaluations import Evaluation
from softfix.measure import GPA, measure, report, scalar_of, slope, slope_interval, slope_with_intercept
from tests.conftest import alloy, labelled


def predictions(frames, forces=lambda f: f, energy=lambda f: f.energy, stress=lambda s: s):
    return [Evaluation(energy(f), forces(f.forces), stress(f.stress)) for f in frames]


def test_slopes_of_both_conventions_are_found_exactly():
    dft = np.random.default_rng(0).normal(size=(50, 3)) + 0.4
    assert slope(dft, 0.7 * dft) == pytest.approx(0.7)
    assert slope_with_intercept(dft, 0.7 * dft + 0.3) == pytest.approx(0.7)
    assert slope(dft, 0.7 * dft + 0.3) != pytest.approx(0.7, abs=0.01)


def test_a_slope_of_no_forces_is_no_number():
    assert slope(np.zeros((4, 3)), np.ones((4, 3))) is None
    assert slope_interval([(np.zeros((4, 3)), np.ones((4, 3)))]) is None


def test_the_interval_of_the_slope_covers_the_truth():
    inside = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        pairs = [(dft, 0.8 * dft + 0.2 * rng.normal(size=dft.shape)) for dft in rng.normal(size=(30, 8, 3))]
        low, high = slope_interval(pairs)
        inside += low < 0.8 < high
    assert inside >= 50


def test_the_interval_of_the_slope_with_an_intercept_covers_the_truth():
    inside = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        pairs = [(dft, 0.8 * dft + 0.5 + 0.2 * rng.normal(size=dft.shape)) for dft in 0.6 + rng.normal(size=(30, 8, 3))]
        low, high = slope_interval(pairs, intercept=True)
        inside += low < 0.8 < high
    assert inside >= 50
    assert slope_interval([(np.ones((4, 3)), np.ones((4, 3)))], intercept=True) is None


def test_the_scalar_undoes_a_factor():
    dft = np.random.default_rng(0).normal(size=(50, 3))
    assert scalar_of(dft, 0.8 * dft) == pytest.approx(1.25)
    assert scalar_of(dft, 0.0 * dft) == 1.0


def test_errors_are_those_that_were_put_in():
    frames = [labelled(alloy(seed)) for seed in range(4)]
    sign = iter((1, -1, 1, -1))
    found = measure(
        frames,
        predictions(
            frames,
            lambda f: f + 0.05,
            lambda f: f.energy + 3.0 * len(f) + next(sign) * 0.01 * len(f),
            lambda s: s + 0.01,
        ),
    )
    assert found.force_mae_eV_A == pytest.approx(0.05)
    assert found.force_rmse_eV_A == pytest.approx(0.05)
    assert found.max_force_error_eV_A == pytest.approx(0.05)
    assert found.energy_mae_meV_atom == pytest.approx(10.0)
    assert found.stress_mae_GPa == pytest.approx(0.01 * GPA)


def test_energies_that_one_offset_explains_give_no_number():
    frames = [labelled(alloy(0)), labelled(alloy(1))]
    predictions = [Evaluation(frame.energy + 0.1, frame.forces, None) for frame in frames]
    assert measure(frames[:1], predictions[:1]).energy_mae_meV_atom is None
    assert measure(frames, predictions).energy_mae_meV_atom == pytest.approx(0.0, abs=1e-9)


def test_missing_labels_give_no_number():
    from dataclasses import replace

    frames = [replace(labelled(alloy(0)), energy=None, stress=None)]
    found = measure(frames, [Evaluation(0.0, frames[0].forces, None)])
    assert found.energy_mae_meV_atom is None
    assert found.stress_mae_GPa is None
    assert found.force_mae_eV_A == 0.0


def test_the_report_has_all_frames_and_each_config_type():
    from dataclasses import replace

    frames = [replace(labelled(alloy(seed)), config_type="hot" if seed else "cold") for seed in range(3)]
    soft, exact = predictions(frames, lambda f: 0.5 * f), predictions(frames)
    found = report(frames, soft, exact)
    assert found.n_frames == 3
    assert {name: group.n_frames for name, group in found.config_type.items()} == {"hot": 2, "cold": 1}
    assert found.base.softening_slope == pytest.approx(0.5)
    assert found.corrected.softening_slope == pytest.approx(1.0)
