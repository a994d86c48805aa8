"""Structures made from the frames, where nothing that a fit knows holds."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import molecule

from softfix.data.keys import LabelKeys
from softfix.data.labels import frame_of
from softfix.far import CHANGES, STRAIN, TAKEN, VACUUM, far_structures, lone_pairs
from softfix.neighbours import neighbour_graph


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


def test_slabs_and_voids_are_cut_from_the_frame_of_the_least_forces(frames):
    calm = replace(frames[1], forces=1e-3 * frames[1].forces)
    made = far_structures([frames[0], calm, frames[2]], len(CHANGES) + 1)
    slab, void = made[0], made[len(CHANGES)]
    assert calm.source in slab.source
    assert calm.source in void.source
    assert len(slab) == len(calm)
    assert np.array_equal(void.cell, calm.cell)
    assert len(void) == len(calm) - int(TAKEN * len(calm))
    hole = neighbour_graph(np.zeros(len(void), int), void.positions, void.cell, void.pbc, 3.5)
    whole = neighbour_graph(np.zeros(len(calm), int), calm.positions, calm.cell, calm.pbc, 3.5)
    assert np.bincount(hole.source).min() < 0.8 * np.bincount(whole.source).min()


def test_molecules_are_not_cut_open_and_single_atoms_have_no_vacancy():
    water = frame_of(molecule("H2O"), LabelKeys(required=False))
    assert len(far_structures([water], 2 * len(CHANGES))) == 2 * len(CHANGES) - 1
    one = replace(water, numbers=water.numbers[:1], positions=water.positions[:1])
    assert len(far_structures([one], 2 * len(CHANGES))) == 2 * len(CHANGES) - 3


def test_lone_pairs_see_one_neighbour_each():
    pairs = lone_pairs([8, 40])
    distances = neighbour_graph(np.zeros(len(pairs), int), pairs.positions, pairs.cell, pairs.pbc, 9.0)
    assert np.bincount(distances.source).tolist() == [1] * len(pairs)
    assert {tuple(sorted(pair)) for pair in pairs.numbers.reshape(-1, 2).tolist()} == {(8, 8), (8, 40), (40, 40)}
