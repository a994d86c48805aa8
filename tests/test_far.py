"""Where no frame of the fit says anything, the correction leaves the base's forces nearly as they are."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk, molecule

from softfix.candidate import Problem, _gates
from softfix.core.statistics import KINDS
from softfix.correct import correct
from softfix.data.keys import LabelKeys
from softfix.data.labels import frame_of
from softfix.evaluations import evaluate_base
from softfix.far import CHANGES, STRAIN, VACUUM, far_statistics, far_structures, lone_pairs
from softfix.fitting import fit
from softfix.neighbours import neighbour_graph
from softfix.prior import choose_basis
from softfix.problem import Surroundings
from softfix.settings import FitSettings, TrustSettings
from tests.conftest import labelled

SMALL = {"basis": {"pair_count": 6, "three_count": 2}}


def test_structures_are_the_same_for_the_same_frames(frames):
    first, second = far_structures(frames, 10), far_structures(frames, 10)
    assert [f.content_hash for f in first] == [f.content_hash for f in second]
    assert len({f.content_hash for f in first}) == 10 + 1  # and the lone pairs


def test_each_change_does_what_it_says(frames):
    slab, compressed, vacancy, molten, expanded, _ = far_structures(frames[:1], len(CHANGES))
    frame = frames[0]
    assert compressed.volume == pytest.approx((1 - STRAIN) * frame.volume)
    assert expanded.volume == pytest.approx((1 + STRAIN) * frame.volume)
    assert len(vacancy) == len(frame) - 1
    assert molten.volume == frame.volume
    normal = np.cross(slab.cell[0], slab.cell[1])
    normal /= np.linalg.norm(normal)
    height = slab.positions @ normal
    thickness = np.ptp(height)
    assert abs(slab.cell[2] @ normal) - thickness > VACUUM - 0.5  # what the displacements may take
    for made in (slab, compressed, vacancy, molten, expanded):
        assert made.energy is None
        assert made.forces is None


def test_molecules_have_no_slab_and_single_atoms_no_vacancy():
    water = frame_of(molecule("H2O"), LabelKeys(required=False))
    assert len(far_structures([water], len(CHANGES))) == len(CHANGES)
    one = replace(water, numbers=water.numbers[:1], positions=water.positions[:1])
    assert len(far_structures([one], len(CHANGES))) == len(CHANGES) - 1


def test_lone_pairs_see_one_neighbour_each():
    pairs = lone_pairs([8, 40])
    distances = neighbour_graph(np.zeros(len(pairs), int), pairs.positions, pairs.cell, pairs.pbc, 9.0)
    assert np.bincount(distances.source).tolist() == [1] * len(pairs)
    assert {tuple(sorted(pair)) for pair in pairs.numbers.reshape(-1, 2).tolist()} == {(8, 8), (8, 40), (40, 40)}


def test_surroundings_of_the_fit_are_not_held(frames, soft_base):
    settings = FitSettings.model_validate(SMALL)
    elements, zero = (29, 79), np.zeros(2)
    basis = choose_basis(2, settings)
    evaluations = evaluate_base(soft_base, frames)
    problem = Problem(basis, elements, frames, evaluations, zero, zero, settings)
    seen = Surroundings(basis, elements, frames)
    gates = _gates(problem, ("global",), seen)
    same = list(zip(frames, evaluations, strict=True))
    (none,) = far_statistics(basis, gates, elements, seen, same, zero, TrustSettings(), fenced=False)
    assert not none.gram.any()
    slab = far_structures(frames, 1)
    far = list(zip(slab, evaluate_base(soft_base, slab), strict=True))
    (some,) = far_statistics(basis, gates, elements, seen, far, zero, TrustSettings(), fenced=False)
    assert np.trace(some.gram[KINDS.index("trust")]) > 0.0


def copper(seed):
    """Rattled crystal of copper."""
    atoms = bulk("Cu", cubic=True) * (2, 2, 2)
    atoms.rattle(0.03, seed=seed)
    return atoms


def test_a_slab_is_changed_less_when_the_base_is_trusted(soft_base):
    """Without the scale, weights fitted to a crystal are arbitrary at its surface."""
    slab = copper(7)
    slab.center(vacuum=5.0, axis=2)
    frames, slab = [labelled(copper(seed)) for seed in range(2)], labelled(slab)
    (base,) = evaluate_base(soft_base, [slab])

    def change(structures):
        settings = FitSettings.model_validate(
            SMALL
            | {"terms": ["pair", "three_body"], "gate": {"margin": 1e3}}
            | {"trust": {"structures": structures, "compressed": 0}}
            | {"noise": {"forces_floor": 0.05}}  # the less labels are believed, the firmer the base is held elsewhere
        )
        correction = fit(frames, soft_base, settings).correction
        return np.sqrt(np.mean(correct(correction, slab, base, None).forces ** 2))

    assert change(10) < 0.8 * change(0)
