"""The numbers of a report against what NumPy says of the same frames, and against truths that are known."""

from dataclasses import replace

import numpy as np
import pytest

from softfix.correct import correct, corrected
from softfix.correction import HeldOut
from softfix.evaluations import Evaluation, evaluate_base
from softfix.report.build import _learning, diagnose
from softfix.report.domain import domain
from softfix.report.errorbars import bars_of
from softfix.report.groups import groupings, whole
from softfix.report.harm import checks, dimer, kept
from softfix.report.numbers import dump, read_numbers
from softfix.report.points import ATOMS, force_points
from softfix.report.terms import angle_curve, neighbour_pairs, pair_curve
from tests.conftest import alloy, labelled
from tests.report.conftest import toy_frames


def forces(frames, predictions):
    return np.concatenate([f.forces for f in frames]), np.concatenate([p.forces for p in predictions])


@pytest.fixture
def predictions(toy):
    return [evaluate_base(toy.base, toy.frames), corrected(toy.correction, toy.frames, toy.base),
            evaluate_base(toy.tuned, toy.frames)]  # fmt: skip


def test_the_measures_are_those_of_numpy(toy, predictions):
    for found, each in zip(toy.numbers.whole.errors, predictions, strict=True):
        dft, mine = forces(toy.frames, each)
        assert found.force_mae.value == pytest.approx(np.mean(np.abs(mine - dft)), abs=1e-12)
        assert found.force_max.value == pytest.approx(np.max(np.abs(mine - dft)), abs=1e-12)
        assert found.slope.value == pytest.approx(np.vdot(dft, mine) / np.vdot(dft, dft))
        assert found.slope_intercept.value == pytest.approx(np.polyfit(dft.ravel(), mine.ravel(), 1)[0])
        (scalar,), *_ = np.linalg.lstsq(mine.reshape(-1, 1), dft.ravel(), rcond=None)
        assert found.force_cmae.value == pytest.approx(np.mean(np.abs(scalar * mine - dft)), abs=1e-9)
        assert found.slope.low <= found.slope.value <= found.slope.high


def test_a_base_that_is_soft_by_a_factor_is_mended_by_one_scalar(toy):
    base = toy.numbers.whole.errors[0]
    assert base.slope.value == pytest.approx(0.8)
    assert base.slope_intercept.value == pytest.approx(0.8)
    assert base.force_cmae.value == pytest.approx(0.0, abs=1e-9)
    assert toy.numbers.whole.errors[2].force_mae.value == pytest.approx(0.0, abs=1e-9)


def test_groups_hold_their_own_frames_and_atoms(toy, predictions):
    by = {grouping.by: {g.name: g for g in grouping.groups} for grouping in toy.numbers.groupings}
    hot = [i for i, frame in enumerate(toy.frames) if frame.config_type == "hot"]
    dft, mine = forces([toy.frames[i] for i in hot], [predictions[1][i] for i in hot])
    assert by["config_type"]["hot"].errors[1].force_mae.value == pytest.approx(np.mean(np.abs(mine - dft)))
    assert by["config_type"]["hot"].frames.value == len(hot)
    dft, mine = forces(toy.frames, predictions[1])
    gold = np.concatenate([f.numbers for f in toy.frames]) == 79
    assert by["element"]["Au"].errors[1].force_mae.value == pytest.approx(np.mean(np.abs(mine - dft)[gold]))
    assert by["element"]["Au"].errors[1].energy_mae is None
    middle = (np.linalg.norm(dft, axis=1) >= 1.0) & (np.linalg.norm(dft, axis=1) < 3.0)
    assert by["force"]["1 to 3 eV/Å"].errors[1].force_mae.value == pytest.approx(np.mean(np.abs(mine - dft)[middle]))
    assert by["force"]["1 to 3 eV/Å"].atoms.value == middle.sum()


def test_energies_of_groups_share_the_offsets_of_all_frames(toy, predictions):
    counts = np.array([[np.sum(f.numbers == z) for z in (29, 79)] for f in toy.frames], float)
    error = np.array([p.energy - f.energy for f, p in zip(toy.frames, predictions[0], strict=True)])
    fractions = counts / counts.sum(axis=1, keepdims=True)
    offsets = np.linalg.lstsq(fractions, error / counts.sum(axis=1), rcond=1e-8)[0]
    left = 1000 * np.abs(error / counts.sum(axis=1) - fractions @ offsets)
    hot = np.array([f.config_type == "hot" for f in toy.frames])
    assert toy.numbers.whole.errors[0].energy_mae.value == pytest.approx(left.mean())
    (grouping,) = [g for g in toy.numbers.groupings if g.by == "config_type"]
    (group,) = [g for g in grouping.groups if g.name == "hot"]
    assert group.errors[0].energy_mae.value == pytest.approx(left[hot].mean())


def test_every_point_is_the_number_of_its_frame_and_atom(toy, predictions):
    points = toy.numbers.forces
    for k in range(0, len(points.part), 7):
        frame = int(points.names[points.frame[k]].rpartition(" ")[2]) - 1
        _, atom, _, axis = points.part[k].split()
        at = int(atom), "xyz".index(axis)
        assert points.x.values[k] == pytest.approx(toy.frames[frame].forces[at], rel=1e-5)
        assert points.y[1].values[k] == pytest.approx(predictions[1][frame].forces[at], rel=1e-5, abs=1e-9)
    assert all("/" not in name for name in points.names)


def test_of_many_atoms_the_worst_are_drawn():
    frames = [labelled(alloy(seed, size=3)) for seed in range(6)]
    rng = np.random.default_rng(0)
    guess = [Evaluation(0.0, f.forces + rng.normal(size=f.forces.shape), None) for f in frames]
    _, errors, worst = force_points(frames, [guess], ["guess"])
    size = np.sort(
        np.concatenate([np.linalg.norm(g.forces - f.forces, axis=1) for f, g in zip(frames, guess, strict=True)])
    )
    assert errors.drawn.value == ATOMS < errors.all.value == sum(map(len, frames))
    assert np.sort(errors.y[0].values)[-50:] == pytest.approx(size[-50:], rel=1e-5)
    assert worst[0].errors[0].value == pytest.approx(size[-1])


def test_slopes_of_energies_and_stress_points_show_the_softness(toy):
    for points in (toy.numbers.energies, toy.numbers.stresses):
        x, y = np.array(points.x.values), np.array(points.y[0].values)
        assert np.polyfit(x, y, 1)[0] == pytest.approx(0.8, abs=0.02)


def test_frames_without_forces_leave_no_force_numbers(toy):
    bare = [replace(frame, forces=None) for frame in toy.frames]
    found = whole(bare, [evaluate_base(toy.base, bare)])
    assert found.errors[0].force_mae is None
    assert found.errors[0].energy_mae is not None
    assert force_points(bare, [evaluate_base(toy.base, bare)], ["base"]) == (None, None, [])
    assert [g.by for g in groupings(bare, [evaluate_base(toy.base, bare)])] == ["config_type"]


def alone(correction, numbers, positions):
    """Energy that the weights give atoms alone, by the code that the calculator uses."""
    from softfix.data.frames import Frame

    frame = Frame(np.array(numbers), np.array(positions, float), np.zeros((3, 3)), np.zeros(3, dtype=bool))
    ungated = replace(correction, scale=0.0, offsets=np.zeros_like(correction.offsets), gate=None)
    return correct(ungated, frame, Evaluation(0.0, np.zeros((len(numbers), 3)), None), None).energy


def test_a_pair_curve_is_the_energy_of_two_atoms(toy):
    pair = neighbour_pairs(toy.frames, toy.correction.elements)[0]
    curve = pair_curve(toy.correction, pair)
    for k in (0, 20, 50):
        energy = alone(toy.correction, pair.numbers, [[0, 0, 0], [0, curve.x.values[k], 0]])
        assert curve.y.values[k] == pytest.approx(energy, rel=1e-4, abs=1e-6)
    assert curve.y.values[-1] == pytest.approx(0.0, abs=1e-9)


def test_an_angle_curve_is_what_three_atoms_have_beyond_their_pairs(toy):
    curve = angle_curve(toy.correction, 29, 79, 2.6)
    k = 30
    angle = np.radians(curve.x.values[k])
    a, b, c = [0, 0, 0], [2.6, 0, 0], [2.6 * np.cos(angle), 2.6 * np.sin(angle), 0]
    energy = alone(toy.correction, (29, 79, 79), [a, b, c])
    for numbers, ends in (((29, 79), (a, b)), ((29, 79), (a, c)), ((79, 79), (b, c))):
        energy -= alone(toy.correction, numbers, ends)
    assert curve.y.values[k] == pytest.approx(energy, rel=1e-3, abs=1e-6)


def test_the_terms_sum_to_the_correction(toy, predictions):
    change = np.concatenate([a.forces - b.forces for a, b in zip(predictions[1], predictions[0], strict=True)])
    sizes = [part.force.value for part in toy.numbers.terms.parts]
    assert len(sizes) == 4
    rms = np.sqrt((change**2).mean())
    assert max(sizes) - sum(sizes) + max(sizes) <= rms * (1 + 1e-9)  # triangle inequality, both ways
    assert rms <= sum(sizes) * (1 + 1e-9)
    assert toy.numbers.terms.scale.value == pytest.approx(1 + toy.correction.scale)


def test_the_atoms_of_the_fit_are_inside_the_fence(toy):
    evaluations = evaluate_base(toy.base, toy.train)
    found = domain(toy.correction, toy.train, [evaluations, evaluations])
    assert (found.inside.value, found.outside.value, found.unknown.value) == (1.0, 0.0, 0.0)
    assert sum(found.share.values) == pytest.approx(1.0)


def test_atoms_far_from_the_fit_and_of_other_elements_are_outside(toy):
    from ase import Atoms
    from ase.build import bulk

    far = labelled(Atoms("CuAu", [[0, 0, 0], [0, 0, 1.2]], cell=[20, 20, 20], pbc=True))
    other = labelled(bulk("Al", cubic=True))
    evaluations = evaluate_base(toy.base, [far, other])
    found = domain(toy.correction, [far, other], [evaluations, evaluations])
    assert found.inside.value == 0.0
    assert found.unknown.value == pytest.approx(4 / 6)


def test_error_bars_that_are_right_cover_as_a_normal_distribution():
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.normal(size=(3000, 3)))
    errors = sizes * rng.normal(size=sizes.shape)
    found, narrow = bars_of(errors, sizes), bars_of(errors, 0.5 * sizes)
    assert found.one_sigma.value == pytest.approx(0.683, abs=0.02)
    assert found.two_sigma.value == pytest.approx(0.954, abs=0.01)
    assert narrow.one_sigma.value == pytest.approx(0.383, abs=0.02)
    assert np.array(found.bin_error.values) == pytest.approx(np.array(found.bin_bar.values), rel=0.15)
    assert np.array(found.observed.values) == pytest.approx(np.array(found.normal.values), abs=0.02)


def test_the_learning_curve_is_what_the_fit_stored():
    held = HeldOut(label="forces", unit="eV/Å", base=0.2, corrected=0.1, half=0.15)
    found = _learning(held, 10, "said")
    assert found.fitted.values == [4.0, 8.0]
    assert found.error.values == [0.15, 0.1]
    assert found.extrapolated.value == pytest.approx(0.1 * 0.1 / 0.15)
    assert found.extrapolated_frames.value == 16.0
    assert _learning(None, 1, "said") is None


def test_the_base_itself_does_no_harm(toy):
    nothing = toy.correction.zeroed()
    pairs = neighbour_pairs(toy.frames, nothing.elements)
    found = checks(nothing, toy.base, toy.frames, pairs, md_steps=3)
    assert {check.name for check in found} >= {"volume scan", "energy of an MD run"}
    assert all(check.passed for check in found)


def test_a_correction_that_binds_two_atoms_far_too_strongly_fails(toy):
    pair = neighbour_pairs(toy.frames, toy.correction.elements)[0]
    weights = np.zeros_like(toy.correction.weights)
    weights[:, : toy.correction.basis.pair_features] = -20.0
    found = dimer(replace(toy.correction, weights=weights, gate=None), toy.base, pair)
    assert not found.passed
    assert "binds" in found.what or "hole" in found.what


@pytest.mark.parametrize(
    ("drifts", "swings", "fine"),
    [((0.1, 0.5), (0.01, 0.02), True), ((0.1, 5.0), (0.01, 0.02), False), ((0.1, 0.1), (0.01, 3.0), False)],
)
def test_an_energy_that_drifts_or_swings_is_not_kept(drifts, swings, fine):
    assert kept(drifts, swings) is fine


def test_a_diagnosis_tells_softness_gain_and_findings(toy):
    frames = toy_frames(range(6))
    found = diagnose(frames, toy.base)
    assert "too soft" in found.verdict
    assert found.whole.errors[0].slope.value == pytest.approx(0.8)
    assert found.learning.error.values[-1] < 0.5 * found.learning.base.value
    assert found.findings.checks
    assert found.potentials[0].kind == "base"


def test_numbers_come_back_from_their_file_as_they_were(toy, tmp_path):
    (tmp_path / "numbers.json").write_text(dump(toy.numbers), encoding="utf-8")
    again = read_numbers(tmp_path / "numbers.json")
    assert again == toy.numbers
    assert dump(again) == dump(toy.numbers)


def test_the_verdict_says_the_numbers(toy):
    from softfix.report.quantity import shown

    base, after = toy.numbers.whole.errors[:2]
    for value in (base.force_mae, after.force_mae, after.force_ratio, base.slope, after.slope):
        assert shown(value.value, value.unit) in toy.numbers.verdict
