"""The fit on toys whose truth is known."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.emt import EMT

from softfix.bases import load_base
from softfix.correct import correct, corrected, uncertainty
from softfix.coverage import coverage
from softfix.data import SoftfixWarning
from softfix.errors import SoftfixError
from softfix.evaluations import EvaluationCache, evaluate_base
from softfix.fitting import fit, undetermined
from softfix.measure import measure
from softfix.prior import choose_basis
from softfix.rows import composition_offsets, robust_offsets
from softfix.settings import FitSettings, PriorSettings, read_settings
from tests.conftest import SoftEMT, alloy, labelled

QUICK = FitSettings.model_validate(
    {"basis": {"pair_count": 8, "three_count": 2, "many_count": 3, "anchors": 16, "three_cutoff": 5.0}}
)
SCALE_ONLY = FitSettings.model_validate({"basis": QUICK.basis, "terms": ["scale"], "prior": {"scale": 1.0}})


def test_a_known_softening_is_recovered_by_the_scale_alone(frames, soft_base):
    result = fit(frames[:1], soft_base, SCALE_ONLY)
    assert 1.0 + result.correction.scale == pytest.approx(1.0 / SoftEMT.softness, rel=1e-3)
    assert not result.correction.weights.any() or np.abs(result.correction.weights).max() < 1e-6
    held_out = frames[1:]
    base = evaluate_base(soft_base, held_out)
    after = measure(held_out, corrected(result.correction, held_out, soft_base))
    assert measure(held_out, base).softening_slope == pytest.approx(SoftEMT.softness, rel=1e-9)
    assert after.softening_slope == pytest.approx(1.0, abs=1e-3)


def test_the_default_fit_removes_most_of_the_error_of_a_soft_base(frames, soft_base):
    result = fit(frames[:3], soft_base, QUICK)
    held_out = frames[3:]
    base = evaluate_base(soft_base, held_out)
    before, after = measure(held_out, base), measure(held_out, corrected(result.correction, held_out, soft_base))
    assert after.force_mae_eV_A < 0.2 * before.force_mae_eV_A
    assert after.stress_mae_GPa < 0.3 * before.stress_mae_GPa
    assert after.energy_mae_meV_atom < 0.5 * before.energy_mae_meV_atom


def test_a_perfect_base_is_left_alone(frames):
    base = load_base(EMT())
    result = fit(frames[:3], base, QUICK)
    held_out = frames[3:]
    after = measure(held_out, corrected(result.correction, held_out, base))
    assert after.force_mae_eV_A < 1e-6


def test_one_frame_is_enough(frames, soft_base):
    result = fit(frames[:1], soft_base, QUICK)
    assert result.converged
    assert result.correction.data.frames == 1


def test_missing_labels_are_simply_not_fitted(frames, soft_base):
    from dataclasses import replace

    bare = [replace(frame, energy=None, stress=None) for frame in frames[:2]]
    rows = fit(bare, soft_base, QUICK).correction.fit.rows
    assert rows == {"energy": 0, "forces": 3 * sum(map(len, bare)), "stress": 0}
    only_energies = [replace(frame, forces=None, stress=None) for frame in frames]
    assert fit(only_energies, soft_base, QUICK).correction.fit.rows == {"energy": 6, "forces": 0, "stress": 0}


def test_forces_alone_do_not_spoil_the_stress(frames, soft_base):
    from dataclasses import replace

    bare = [replace(frame, energy=None, stress=None) for frame in frames[:3]]
    correction = fit(bare, soft_base, QUICK).correction
    base = evaluate_base(soft_base, frames[3:])
    before, after = measure(frames[3:], base), measure(frames[3:], corrected(correction, frames[3:], soft_base))
    assert after.force_mae_eV_A < 0.3 * before.force_mae_eV_A
    assert after.stress_mae_GPa < 2.0 * before.stress_mae_GPa


def test_energies_of_another_zero_are_shifted_by_composition(frames, soft_base):
    from dataclasses import replace

    shifted = [
        replace(frame, energy=frame.energy + 1e4 * np.sum(frame.numbers == 29) - 5e3 * np.sum(frame.numbers == 79))
        for frame in frames
    ]
    result = fit(shifted[:5], soft_base, QUICK)
    error = corrected(result.correction, shifted[5:], soft_base)[0].energy - shifted[5].energy
    assert abs(error) / len(shifted[5]) < 0.02


def test_composition_offsets_of_one_composition_are_the_shortest():
    counts = np.array([[4.0, 8.0], [4.0, 8.0]])
    offsets = composition_offsets(counts, np.array([10.0, 10.0]))
    assert counts @ offsets == pytest.approx([10.0, 10.0])
    assert np.linalg.norm(offsets) == pytest.approx(10.0 / np.hypot(4.0, 8.0))


def test_robust_offsets_are_those_of_the_others_and_few_energies_are_all_believed():
    counts = np.array([[2, 2], [1, 3], [3, 1], [2, 2], [1, 1], [4, 2]])
    energies = counts @ np.array([0.3, -0.2])
    energies[3] += 9.0
    offsets, scatter = robust_offsets(counts, energies)
    assert offsets == pytest.approx([0.3, -0.2], abs=1e-3)
    assert scatter < 1e-3
    assert robust_offsets(counts[:4], energies[:4])[1] == np.inf
    same, _ = robust_offsets(np.full((6, 2), 2), np.full(6, 1.2))
    assert same == pytest.approx([0.3, 0.3], abs=1e-6)  # the shortest, where the composition is one


def test_a_second_fit_asks_the_base_nothing(frames, soft_base, tmp_path):
    cache = EvaluationCache(soft_base.identity.key, tmp_path)
    first = fit(frames, soft_base, QUICK, cache)
    soft_base.calculator = lambda: pytest.fail("the base was asked although the cache holds everything")
    second = fit(frames, soft_base, QUICK, cache)
    assert np.array_equal(first.correction.weights, second.correction.weights)


def test_a_damaged_cache_file_is_made_anew(frames, soft_base, tmp_path):
    cache = EvaluationCache(soft_base.identity.key, tmp_path)
    before = evaluate_base(soft_base, frames[:1], cache)[0]
    cache.path(frames[0]).write_bytes(cache.path(frames[0]).read_bytes()[:50])
    after = evaluate_base(soft_base, frames[:1], cache)[0]
    assert np.array_equal(before.forces, after.forces)
    assert cache.read(frames[0]) is not None


def test_two_softnesses_never_share_a_cache():
    other = SoftEMT()
    other.softness = 0.5
    assert load_base(SoftEMT()).identity.key != load_base(other).identity.key


def test_differences_against_a_perfect_supercell_ignore_residual_forces(soft_base):
    from dataclasses import replace

    perfect = labelled(alloy(0, rattle=0.0))
    displaced = []
    for seed in range(3):
        atoms = alloy(0, rattle=0.0)
        atoms.rattle(0.05, seed=seed)
        frame = labelled(atoms)
        displaced.append(
            replace(frame, energy=None, stress=None, forces=frame.forces - perfect.forces, reference=perfect)
        )
    base = evaluate_base(soft_base, displaced)
    assert measure(displaced, base).softening_slope == pytest.approx(SoftEMT.softness, rel=1e-9)
    result = fit(displaced[:2], soft_base, QUICK)
    after = measure(displaced[2:], corrected(result.correction, displaced[2:], soft_base))
    assert after.force_mae_eV_A < 0.2 * measure(displaced[2:], base[2:]).force_mae_eV_A


def test_unknown_elements_are_left_to_the_base(frames, soft_base):
    result = fit(frames[:2], soft_base, QUICK)
    atoms = alloy(9)
    atoms.symbols[:] = "Ag"
    frame = labelled(atoms)
    base = evaluate_base(soft_base, [frame])[0]
    change = correct(result.correction, frame, base, None)
    assert change.energy == 0.0
    assert not change.forces.any()
    assert not change.stress.any()


def test_uncertainty_is_small_on_the_fit_and_large_far_from_it(frames, soft_base):
    settings = FitSettings.model_validate({**QUICK.model_dump(), "terms": ["pair", "three_body"]})
    correction = fit(frames[:3], soft_base, settings).correction
    near, far = frames[0], labelled(alloy(7, rattle=0.4))
    sizes = [
        np.mean(uncertainty(correction, f, e, e.forces).forces)
        for f, e in zip((near, far), evaluate_base(soft_base, [near, far]), strict=True)
    ]
    assert 0.0 < sizes[0] < 0.5 * sizes[1]


def test_an_element_that_the_base_does_not_know_is_told_with_its_frame(frames, soft_base):
    soft_base.elements = frozenset({29})
    with pytest.raises(SoftfixError, match=r"<memory> holds Au, which base .* does not know"):
        fit(frames, soft_base, QUICK)


def test_the_basis_shrinks_as_elements_grow_in_number():
    counts = [choose_basis(species, FitSettings()).three_count for species in range(1, 8)]
    assert counts == sorted(counts, reverse=True)
    assert all(choose_basis(n, FitSettings()).columns <= FitSettings().basis.max_columns for n in range(1, 8))
    assert choose_basis(20, FitSettings()).columns <= FitSettings().basis.max_columns
    with pytest.raises(SoftfixError, match="40 elements are too many for one correction of 1150 weights"):
        choose_basis(40, FitSettings())


def test_no_frames_and_no_labels_to_fit_are_told(frames, soft_base):
    with pytest.raises(SoftfixError, match="no frames"):
        fit([], soft_base)
    with pytest.raises(SoftfixError, match="labels"):
        fit(frames, soft_base, FitSettings.model_validate({"labels": []}))


@pytest.mark.parametrize("suffix", [".json", ".toml", ".yaml"])
def test_settings_are_read_from_files(tmp_path, suffix):
    path = tmp_path / f"settings{suffix}"
    text = {".json": json.dumps({"noise": {"forces": 0.05}}), ".toml": "[noise]\nforces = 0.05\n"}
    path.write_text(text.get(suffix, "noise:\n  forces: 0.05\n"))
    assert read_settings(path).noise.forces == 0.05


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"nosie": {}}', "nosie"),
        ('{"noise": {"forces": -1}}', "noise.forces"),
        ('{"terms": ["pear"]}', "terms"),
        ("{", "cannot be read"),
    ],
)
def test_bad_settings_are_told_by_name(tmp_path, text, words):
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(SoftfixError, match=words):
        read_settings(path)


def test_one_frame_gets_the_careful_form_and_many_of_one_kind_the_global_one(frames, soft_base):
    assert fit(frames[:1], soft_base).correction.fit.domain == "local"
    record = fit(frames, soft_base).correction.fit
    assert record.held_out is not None
    assert record.held_out.label == "forces"
    assert record.held_out.corrected < 0.3 * record.held_out.base
    assert f"({record.domain}" in record.status


def test_a_local_correction_leaves_other_surroundings_to_the_base(frames, soft_base):
    """Cu-Au was fitted; a dimer of the same elements is like nothing in it, and keeps but the softening scale."""
    correction = fit(frames, soft_base, QUICK.model_copy(update={"domain": "local"})).correction
    for spacing in (1.8, 2.4, 3.5):
        dimer = labelled(Atoms("CuAu", [[0, 0, 0], [spacing, 0, 0]], cell=[12, 12, 12], pbc=True))
        base = evaluate_base(soft_base, [dimer])[0]
        change = correct(correction, dimer, base, None).forces - correction.scale * base.forces
        assert np.abs(change).max() < 0.02 * np.abs(base.forces).max() + 1e-6


def test_the_softening_scale_of_a_local_correction_stays_within_its_limits(frames, soft_base):
    settings = FitSettings(domain="local", prior=PriorSettings(scale=10.0, scale_highest=0.1))
    correction = fit(frames, soft_base, settings).correction  # the toy asks for 0.25
    assert correction.scale == 0.1


def test_labels_that_frames_left_out_contradict_give_no_correction(soft_base):
    """Labels that are noise: whatever is learned of some frames is wrong on the others."""
    from dataclasses import replace

    rng = np.random.default_rng(0)
    frames = [labelled(alloy(seed, size=1)) for seed in range(20)]
    base = evaluate_base(soft_base, frames)
    noisy = [
        replace(frame, energy=None, stress=None, forces=e.forces + 0.1 * rng.normal(size=e.forces.shape))
        for frame, e in zip(frames, base, strict=True)
    ]
    correction = fit(noisy, soft_base, QUICK).correction
    assert correction.fit.domain == "none"
    assert correction.fit.status.startswith("No correction, the base is better.")
    after = corrected(correction, frames[:1], soft_base)[0]
    assert after.energy == base[0].energy
    np.testing.assert_array_equal(after.forces, base[0].forces)


def test_a_structure_with_an_element_outside_the_fit_is_the_base_bit_for_bit(frames, soft_base):
    correction = fit(frames[:2], soft_base, QUICK).correction
    atoms = alloy(9)
    atoms.symbols[0] = "Ag"
    frame = labelled(atoms)
    before, after = evaluate_base(soft_base, [frame])[0], corrected(correction, [frame], soft_base)[0]
    assert after.energy == before.energy
    np.testing.assert_array_equal(after.forces, before.forces)
    np.testing.assert_array_equal(after.stress, before.stress)
    bars = uncertainty(correction, frame, before, after.forces)
    assert bars.forces.min() >= correction.fit.base_force_error_eV_A


def test_error_bars_cover_the_errors_of_frames_that_were_not_fitted(frames, soft_base):
    rng = np.random.default_rng(1)
    from dataclasses import replace

    noisy = [replace(f, forces=f.forces + 0.02 * rng.normal(size=f.forces.shape)) for f in frames]
    correction = fit(noisy[:5], soft_base, QUICK).correction
    found = coverage(correction, noisy[5:], soft_base)
    assert found.one_sigma == pytest.approx(0.683, abs=0.12)
    assert found.two_sigma == pytest.approx(0.954, abs=0.05)


def test_error_bars_of_energies_and_stresses_cover_their_noise(soft_base):
    rng = np.random.default_rng(2)

    def noisy(seed):
        frame = labelled(alloy(seed))
        energy = frame.energy + 1e-3 * len(frame) * rng.normal()
        return replace(frame, energy=energy, stress=frame.stress + 0.005 * rng.normal(size=6))

    correction = fit([noisy(seed) for seed in range(6)], soft_base, QUICK).correction
    found = coverage(correction, [noisy(seed) for seed in range(20, 36)], soft_base)
    assert (found.energies.number, found.stresses.number) == (16, 96)
    for share in (found.energies, found.stresses):
        assert 0.45 < share.one_sigma < 0.95
        assert share.two_sigma > 0.8
    assert coverage(correction, [noisy(40)], soft_base).energies is None  # an offset explains one


def test_the_fit_says_what_more_frames_would_bring_and_what_they_leave_open(frames, soft_base):
    record = fit(frames[:5], soft_base, QUICK).correction.fit
    assert record.held_out.half > record.held_out.corrected > record.held_out.doubled > 0.0
    assert "twice as many would bring it to about" in record.status
    assert fit(frames[:4], soft_base, QUICK).correction.fit.held_out.doubled is None
    told = undetermined(frames)  # all have as many Cu as Au
    assert told == (
        "The frames hold 1 independent composition of Cu, Au: energies can be compared at those compositions alone."
    )
    copper = alloy(3)
    copper.symbols[:] = "Cu"
    assert undetermined([*frames, labelled(copper)]) is None


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda stress: stress[[0, 1, 2, 5, 3, 4]], "order xy yz xz"),
        (lambda stress: -10 * stress / units.GPa, "kbar of the other sign"),
    ],
    ids=["VASP's order", "kbar"],
)
def test_stresses_that_the_base_contradicts_are_left_out_and_right_ones_are_not(soft_base, spoil, words):
    frames = []
    for seed in range(8):
        atoms = alloy(seed, rattle=0.05)
        shear = 0.03 * np.random.default_rng(seed).uniform(-1.0, 1.0, (3, 3))
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + shear), scale_atoms=True)
        frames.append(labelled(atoms))
    with warnings.catch_warnings():
        warnings.simplefilter("error", SoftfixWarning)
        assert fit(frames, soft_base, SCALE_ONLY).correction.fit.rows["stress"] == 6 * len(frames)
    wrong = [replace(frame, stress=spoil(frame.stress)) for frame in frames]
    with pytest.warns(SoftfixWarning, match=words):
        found = fit(wrong, soft_base, SCALE_ONLY)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SoftfixWarning)
        without = fit(wrong, soft_base, SCALE_ONLY.model_copy(update={"labels": frozenset({"energy", "forces"})}))
    assert found.correction.fit.rows["stress"] == 0
    assert found.correction.scale == without.correction.scale


def test_a_wild_energy_is_not_believed_and_spoils_no_other(soft_base):
    frames = [labelled(alloy(seed, rattle=0.1)) for seed in range(12)]
    test = [labelled(alloy(seed, rattle=0.1)) for seed in range(20, 26)]
    wild = [*frames[:7], replace(frames[7], energy=frames[7].energy + 1.5 * len(frames[7])), *frames[8:]]

    def errors(frames):
        correction = fit(frames, soft_base, QUICK).correction
        found = measure(test, corrected(correction, test, soft_base))
        return np.array([found.energy_mae_meV_atom, found.force_mae_eV_A]), correction.fit.noise["energy_eV_atom"]

    (right, noise), (with_wild, wild_noise) = errors(frames), errors(wild)
    base = measure(test, evaluate_base(soft_base, test))
    assert (with_wild <= 1.2 * right + 0.02 * np.array([base.energy_mae_meV_atom, base.force_mae_eV_A])).all()
    assert max(noise, wild_noise) <= QUICK.noise.energy


@pytest.mark.parametrize("count", [2, 3])
def test_a_wrong_energy_among_few_is_contradicted_by_the_forces(soft_base, count):
    """No other energy tells it, and forces that explain it would be many times as wrong as the base's."""
    frames = [labelled(alloy(seed, rattle=0.1)) for seed in range(count)]
    test = [labelled(alloy(seed, rattle=0.1)) for seed in range(20, 26)]
    wrong = [replace(frames[0], energy=frames[0].energy + 0.5 * len(frames[0])), *frames[1:]]
    right, misled = fit(frames, soft_base, QUICK).correction, fit(wrong, soft_base, QUICK).correction

    def error(correction):
        return measure(test, corrected(correction, test, soft_base)).force_mae_eV_A

    assert error(misled) < 1.2 * error(right) + 0.02 * measure(test, evaluate_base(soft_base, test)).force_mae_eV_A
    assert right.fit.noise["energy_eV_atom"] <= QUICK.noise.energy < 0.05 < misled.fit.noise["energy_eV_atom"]
    assert "contradict" in misled.fit.status
    assert "contradict" not in right.fit.status
