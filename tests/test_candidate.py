"""Which form of the correction is taken, and what its amplitudes are found from."""

from dataclasses import replace

import numpy as np
import pytest
from ase.calculators.emt import EMT

from softfix.bases import load_base
from softfix.candidate import Candidate, explains_too_much
from softfix.choice import best_of, is_harmful, tells_of_itself
from softfix.core.evidence import Hyperparameters
from softfix.correct import corrected
from softfix.correction import HeldOut
from softfix.evaluations import Evaluation, evaluate_base
from softfix.fitting import fit
from softfix.problem import Problem
from softfix.settings import FitSettings, TrustSettings
from tests.conftest import alloy, labelled

SMALL = {"basis": {"pair_count": 8, "three_count": 2, "many_count": 3, "anchors": 16, "three_cutoff": 5.0}}


def form(domain, evidence=0.0, error=None):
    """What the choice looks at."""
    held = None if error is None else HeldOut(label="forces", unit="eV/Å", base=1.0, corrected=error, half=None)
    return Candidate(domain, None, None, None, evidence, None, None, held, (), (), 0.1, 0.01, None)


@pytest.mark.parametrize(("more", "chosen"), [(9.0, "local"), (11.0, "global")])
def test_one_frame_gets_the_global_form_where_it_is_far_more_likely(more, chosen):
    assert best_of([form("local"), form("global", more)], 1).domain == chosen


@pytest.mark.parametrize(
    ("frames", "error", "chosen"),
    [(2, 0.85, "local"), (2, 0.7, "global"), (10, 0.99, "local"), (10, 0.97, "global")],
)
def test_more_frames_are_judged_by_those_left_out(frames, error, chosen):
    assert best_of([form("local", error=1.0), form("global", error=error)], frames).domain == chosen


@pytest.mark.parametrize(
    ("local", "error", "chosen"), [(0.05, 0.045, "global"), (0.05, 0.05, "local"), (0.12, 0.11, "local")]
)
def test_few_frames_that_are_foretold_nearly_exactly_are_as_good_as_more(local, error, chosen):
    assert best_of([form("local", error=local), form("global", error=error)], 2).domain == chosen


@pytest.mark.parametrize(
    ("noise", "error", "too_much"), [(0.001, 0.6, True), (0.001, 0.4, False), (0.01, 0.6, False), (0.001, None, False)]
)
def test_forces_fitted_without_noise_but_not_foretold_are_explained_too_much(noise, error, too_much):
    found = Hyperparameters(np.ones(4), np.array([1.0, noise, 1.0, 1.0]), 0.0, 1, 0.0)
    candidate = replace(form("local", error=error), hyperparameters=found, base_force_error=0.1)
    assert explains_too_much(candidate) == too_much


def test_of_frames_explained_too_much_more_is_taken_for_noise_where_that_foretells_better(
    frames, soft_base, monkeypatch
):
    settings = FitSettings.model_validate(SMALL | {"noise": {"forces_floor": 1e-4}})
    without = fit(frames[:3], soft_base, settings).correction.fit
    monkeypatch.setattr("softfix.candidate.explains_too_much", lambda candidate: True)
    looked = fit(frames[:3], soft_base, settings).correction.fit
    assert looked.held_out.corrected <= without.held_out.corrected


@pytest.mark.parametrize(("share", "forms"), [(1.1, ("local",)), (0.9, ("local", "global"))])
def test_frames_at_rest_never_get_the_global_form(frames, share, forms):
    """Relaxed slabs: forces that vanish are explained by taking all of the base away, wrong wherever they do not."""
    base = Evaluation(0.0, (1.0 + share) * frames[0].forces, None)  # errs by a share of the forces
    problem = Problem(None, (), frames[:1], [base], None, None, FitSettings())
    assert problem.forms == forms
    assert replace(problem, settings=FitSettings(domain="global")).forms == ("global",)
    assert replace(problem, frames=[replace(frames[0], forces=None)]).forms == ("local", "global")


def test_frames_of_vanishing_forces_are_at_rest(frames):
    """A crystal that DFT relaxed: what is left of its forces is noise, however well it is explained."""
    forces = 0.01 * frames[0].forces / np.abs(frames[0].forces).max()
    problem = Problem(None, (), [replace(frames[0], forces=forces)], [Evaluation(0.0, 0.8 * forces, None)], *[None] * 2,
                      FitSettings())  # fmt: skip
    assert problem.are_at_rest
    assert not replace(problem, frames=frames[:1]).are_at_rest


def erring(frames, share, softened):
    """Frames of a base whose forces err by a share: they are too small, or something else is wrong with them."""
    rng = np.random.default_rng(0)
    wrong = [frame.forces if softened else frame.forces[rng.permutation(len(frame))] for frame in frames]
    bases = [Evaluation(0.0, f.forces - share * w, None) for f, w in zip(frames, wrong, strict=True)]
    return Problem(None, (), frames, bases, None, None, FitSettings())


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7])
def test_a_base_is_softened_where_one_scale_mends_half_of_it(frames, share):
    assert erring(frames, share, softened=True).is_softened
    assert not erring(frames, share, softened=False).is_softened
    assert replace(erring(frames, share, False), frames=[replace(f, forces=None) for f in frames]).is_softened


@pytest.mark.parametrize(
    ("count", "noise", "error", "harmful"),
    [(2, 0.09, 1.5, False), (2, 0.09, 2.0, True), (20, 0.03, 1.5, True), (20, 0.03, 1.1, False), (20, 0.09, 1.1, True)],
)
def test_few_frames_left_out_are_doubted_and_many_that_are_explained(frames, count, noise, error, harmful):
    found = Hyperparameters(np.ones(4), np.array([1.0, noise, 1.0, 1.0]), 0.0, 1, 0.0)
    candidate = replace(form("local", error=error), counts=np.full(4, 1000.0), hyperparameters=found)
    assert is_harmful(candidate, erring((frames * count)[:count], 0.3, softened=False)) == harmful


@pytest.mark.parametrize(
    ("count", "forces", "softened", "themselves"),
    [(1, 15, False, True), (1, 15, True, False), (1, 24, False, False), (1, 0, False, False), (2, 30, False, True),
     (5, 15, False, False)],
)  # fmt: skip
def test_few_small_frames_tell_of_themselves_where_the_base_is_not_too_soft(
    frames, count, forces, softened, themselves
):
    candidate = replace(form("local", error=0.6), counts=np.array([1.0, forces, 6.0, 0.0]))
    assert tells_of_itself(candidate, erring(frames[:count], 0.1, softened)) == themselves
    assert not tells_of_itself(candidate, erring(frames[:count], 0.5, softened))
    foretold = replace(form("local", error=0.4), counts=candidate.counts)
    assert not tells_of_itself(foretold, erring(frames[:count], 0.1, softened))


def test_one_frame_of_few_forces_is_fitted_where_the_base_is_too_soft_and_only_there(frames, soft_base):
    """Five atoms whose forces err in any way tell of themselves: the base stays as it is, bit for bit."""
    small = labelled(alloy(0, size=1))
    assert len(small) == 4
    assert fit([small], soft_base, FitSettings.model_validate(SMALL)).correction.fit.domain == "local"
    odd = replace(small, forces=small.forces + 0.1 * np.roll(small.forces, 1, axis=0))
    base = load_base(EMT())
    result = fit([odd], base, FitSettings.model_validate(SMALL))
    assert result.correction.fit.domain == "none"
    assert "Add frames" in result.status
    (after,), (before,) = corrected(result.correction, [small], base), evaluate_base(base, [small])
    assert np.array_equal(after.forces, before.forces)


def test_structures_far_from_few_frames_say_nothing_of_the_global_amplitudes(frames, soft_base):
    """How firmly the base is trusted far away moves what many frames have for amplitude, not what one has."""
    firm, loose = (
        FitSettings.model_validate(SMALL | {"domain": "global", "trust": TrustSettings(relative=r, floor=r)})
        for r in (0.02, 20.0)
    )
    one = [fit(frames[:1], soft_base, settings).correction.fit.amplitude_eV for settings in (firm, loose)]
    six = [fit(frames, soft_base, settings).correction.fit.amplitude_eV for settings in (firm, loose)]
    assert one[0] == pytest.approx(one[1], rel=1e-6)
    assert six[0] != pytest.approx(six[1], rel=1e-2)
