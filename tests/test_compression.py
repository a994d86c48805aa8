"""Trust in the base's bulk modulus: which frames are compressed, what their rows say, and what they are for."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from softfix.bases import load_base
from softfix.compression import STIFF, VOLUME, Compression, bulk_modulus, changed, compressible, stiff
from softfix.correct import corrected
from softfix.data.labels import frame_of
from softfix.evaluations import Evaluation, evaluate_base
from softfix.fitting import fit
from softfix.settings import FitSettings
from tests.conftest import labelled

SMALL = {"basis": {"pair_count": 8, "three_count": 2, "many_count": 3, "anchors": 16, "three_cutoff": 5.0}}


def copper(seed, rattle=0.05, a=3.6):
    """A rattled crystal."""
    atoms = bulk("Cu", "fcc", a=a, cubic=True) * (2, 2, 2)
    atoms.rattle(rattle, seed=seed)
    return atoms


def test_periodic_frames_of_the_least_forces_are_expanded_and_compressed_in_turn():
    frames = [labelled(copper(0, rattle)) for rattle in (0.1, 0.02, 0.05)] + [frame_of(molecule("H2O"))]
    assert compressible(frames, 9) == [1, 2, 0]
    assert compressible(frames, 2) == [1, 2]
    assert compressible([replace(frames[1], forces=None), *frames], 2) == [2, 3]
    expanded, compressed = changed(frames[1], 0), changed(frames[1], 1)
    assert expanded.volume == pytest.approx((1.0 + VOLUME) * frames[1].volume)
    assert compressed.volume == pytest.approx((1.0 - VOLUME) * frames[1].volume)
    fractions = [frame.positions @ np.linalg.inv(frame.cell) for frame in (frames[1], expanded, compressed)]
    assert np.allclose(fractions, fractions[0])
    assert expanded.energy is expanded.forces is expanded.stress is None


def test_bulk_modulus_is_that_of_pencil_and_paper():
    """Of an fcc crystal of neighbours alone, K = 4/3 C44 with C44 = stiffness / (sqrt(2) r)."""
    r = 2 ** (1 / 6) * 2.5
    base = load_base(LennardJones(sigma=2.5, epsilon=0.2, rc=1.2 * r))
    frame = frame_of(bulk("Cu", a=np.sqrt(2.0) * r, cubic=True))
    after = [changed(frame, place) for place in (0, 1)]
    evaluations = evaluate_base(base, [frame, *after])
    pairs = [
        Compression((frame, evaluations[0]), each) for each in zip(after, evaluations[1:], strict=True)
    ]  # softer where it is expanded, stiffer where it is compressed
    exact = 4.0 / 3.0 * 72.0 * 0.2 / (2 ** (1 / 3) * 2.5**2) / (np.sqrt(2.0) * r)
    assert bulk_modulus(pairs) == pytest.approx(exact, rel=0.02)
    assert pairs[0].stiffness < exact < pairs[1].stiffness


def test_what_is_mostly_vacuum_or_has_no_stress_is_not_asked():
    frame = labelled(copper(0))
    soft, none = (Evaluation(0.0, np.zeros((len(frame), 3)), stress) for stress in (np.full(6, 1e-4), None))
    rest = replace(soft, stress=np.zeros(6))
    assert stiff([Compression((frame, rest), (frame, soft)), Compression((frame, rest), (frame, none))]) == []
    assert bulk_modulus([]) == np.inf
    hard = replace(soft, stress=np.full(6, 2.0 * STIFF * VOLUME))
    (kept,) = stiff([Compression((frame, rest), (frame, hard))])
    assert kept.stiffness == pytest.approx(2.0 * STIFF)


def modulus(frames, predictions):
    """From pressures at three volumes, eV/Å^3."""
    return -np.polyfit([f.volume for f in frames], [-p.stress[:3].mean() for p in predictions], 1)[0] * frames[1].volume


def fitted_modulus(base, volumes, **trust):
    """Of a correction fitted to forces alone, 1.25 times those of the base."""
    frames = [replace(labelled(copper(seed)), energy=None, stress=None) for seed in range(2)]
    settings = FitSettings.model_validate(SMALL | {"trust": trust, "terms": ["pair", "three_body"]})
    return modulus(volumes, corrected(fit(frames, base, settings).correction, volumes, base))


def test_forces_alone_change_the_bulk_modulus_the_less_the_firmer_it_is_trusted():
    base = load_base("tests.conftest:SoftEMT")
    volumes = [labelled(copper(0, 0.0, a)) for a in (3.57, 3.6, 3.63)]
    own = modulus(volumes, evaluate_base(base, volumes))
    off = [abs(fitted_modulus(base, volumes, **trust) / own - 1.0) for trust in ({"compressed": 0}, {}, {"bulk": 0.01})]
    assert off[0] > off[1] > off[2]
    assert off[0] > 0.15
    assert off[2] < 0.03


def test_compressed_frames_have_room_for_all_their_bonds_where_no_other_structure_is_made():
    base = load_base("tests.conftest:SoftEMT")
    volumes = [labelled(copper(0, 0.0, a)) for a in (3.57, 3.6, 3.63)]
    with_others = fitted_modulus(base, volumes, bulk=0.01)
    assert fitted_modulus(base, volumes, bulk=0.01, structures=0) == pytest.approx(with_others, rel=0.05)


def test_a_known_softening_is_recovered_all_the_same():
    """All of it, bulk modulus included, where labels tell it: frames of several volumes with stresses."""
    base = load_base("tests.conftest:SoftEMT")
    frames = [labelled(copper(seed, a=a)) for seed, a in enumerate((3.52, 3.56, 3.6, 3.64, 3.68))]
    correction = fit(frames, base).correction
    volumes = [labelled(copper(0, 0.0, a)) for a in (3.57, 3.6, 3.63)]
    truth = modulus(volumes, evaluate_base(load_base(EMT()), volumes))
    assert modulus(volumes, corrected(correction, volumes, base)) == pytest.approx(truth, rel=0.02)
