"""Crowding is near nothing at the bond lengths of a fit, and closes the fence to colliding atoms."""

import numpy as np
import pytest

from softfix.core.basis import Basis
from softfix.core.crowding import core_functions
from softfix.core.gate import crowding, fence, fenced, gate_of, spread_of
from softfix.core.graph import Graph, table
from softfix.core.invariants import features_of
from softfix.core.precision import in_float64

BASIS = Basis(species=2, pair_cutoff=6.0, pair_count=12, three_cutoff=6.0, three_count=2, l_max=1)
LIKE, UNLIKE = 2.4, 1.9  # Å, shortest bonds
SHORTEST = np.array([[LIKE, UNLIKE], [UNLIKE, np.inf]])


@in_float64
def seen(lengths, species):
    """What the first of two atoms sees at each distance."""
    found = []
    for length in lengths:
        r_ij = np.array([[0.0, 0.0, length], [0.0, 0.0, -length]])
        graph = Graph(np.array(species), np.array([0, 1]), np.array([1, 0]), r_ij)
        found.append(np.asarray(features_of(BASIS, table(graph, BASIS.cutoff)))[0])
    return np.array(found)


def gate():
    """One that encloses all but collisions."""
    open_gate = gate_of(BASIS, spread_of(BASIS, np.ones((2, BASIS.features)), np.arange(2)))
    core = core_functions(BASIS, SHORTEST)
    return open_gate._replace(core=core, crowded=np.zeros(2), emptiness=np.full(2, 1e-12))


@pytest.mark.parametrize(("species", "shortest"), [([0, 0], LIKE), ([0, 1], UNLIKE)])
def test_only_a_bond_shorter_than_all_of_the_fit_crowds(species, shortest):
    share = np.array([0.3, 0.4, 0.5, 0.67, 0.9, 1.0, 1.2, 1.5, 2.0])
    q = crowding(BASIS, gate(), seen(share * shortest, species), np.zeros(len(share), int))
    assert (q[:3] > 0.7).all()
    assert q[3] == pytest.approx(0.5, abs=0.1)
    assert np.abs(q[4:]).max() < 0.15


@pytest.mark.parametrize(("species", "shortest"), [([0, 0], LIKE), ([0, 1], UNLIKE), ([1, 0], UNLIKE), ([1, 1], 0.0)])
def test_the_fence_closes_smoothly_on_a_collision(species, shortest):
    """Of a species never seen with its like nothing is known: its collisions count for none."""
    lengths = np.linspace(0.5, 4.0, 701)
    h = fence(BASIS, gate(), seen(lengths, species), np.full(len(lengths), species[0]))
    assert (h[lengths < 0.6 * shortest] == 0.0).all()
    assert (h[lengths > 0.85 * shortest] == 1.0).all()
    assert np.abs(np.diff(h)).max() < 0.05


def test_a_pair_that_never_met_is_judged_by_both_of_its_species():
    apart = np.array([[2.0, np.inf], [np.inf, 3.0]])
    met = np.array([[2.0, 2.5], [2.5, 3.0]])
    np.testing.assert_allclose(core_functions(BASIS, apart), core_functions(BASIS, met))


def test_the_fence_is_whole_up_to_the_crowding_of_the_fit():
    phi = seen(np.array([0.65 * LIKE, 1.0 * LIKE]), [0, 0])
    q = crowding(BASIS, gate(), phi, np.zeros(2, int))
    farthest = np.full(2, 1e9)
    closed = fence(BASIS, gate(), phi, np.zeros(2, int))
    opened = fence(BASIS, fenced(gate(), farthest, np.full(2, q.max()), 2.0, 0.1), phi, np.zeros(2, int))
    assert closed[0] < 1.0
    assert (opened == 1.0).all()
