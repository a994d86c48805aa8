"""The many-body functions: their kernel, what anchors stand for, and what they leave unchanged."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from scipy.spatial.transform import Rotation

from softfix.core.anchors import POWER, anchors_of
from softfix.core.basis import Basis
from softfix.core.graph import table
from softfix.core.invariants import features_of, spectra_of
from softfix.core.precision import in_float64
from softfix.neighbours import neighbour_graph

BASIS = Basis(1, pair_count=3, three_count=0, many_count=4)


def near_of(atoms, basis=BASIS):
    graph = neighbour_graph(np.zeros(len(atoms), int), atoms.positions, atoms.cell.array, atoms.pbc, basis.cutoff)
    return table(graph, basis.cutoff)


def rattled(seed, element="Cu"):
    atoms = bulk(element, cubic=True) * (2, 2, 1)
    atoms.rattle(0.2, seed=seed)
    return atoms


@in_float64
def spectra(atoms):
    return np.asarray(spectra_of(BASIS, near_of(atoms)))[: len(atoms)]


@in_float64
def many(atoms, anchors):
    basis = replace(BASIS, anchors=anchors)
    return np.asarray(features_of(basis, near_of(atoms)))[: len(atoms), -anchors.each :]


def test_features_reproduce_the_kernel_between_anchors_and_below_it_elsewhere():
    atoms = rattled(0)
    p = spectra(atoms)
    u = p / np.sqrt(np.sum(p**2, axis=1) + anchors_of([p], 1).emptiness)[:, None]
    phi, kernel = many(atoms, anchors_of([p], len(p))), (u @ u.T) ** POWER
    assert np.allclose(phi @ phi.T, kernel, atol=1e-5)  # surroundings that others stand for to ALIKE are left out
    few = many(atoms, anchors_of([p], 3))
    left = np.diag(kernel) - np.sum(few**2, axis=1)
    assert (left > -1e-9).all()
    assert np.sum(left < 1e-9) == 3


@in_float64
def test_features_do_not_change_when_a_structure_is_turned_or_its_atoms_exchanged():
    atoms = rattled(0)
    anchors, turned, order = (
        anchors_of([spectra(rattled(1))], 6),
        atoms.copy(),
        np.random.default_rng(0).permutation(16),
    )
    rotation = Rotation.random(rng=3).as_matrix()
    turned.set_cell(atoms.cell.array @ rotation.T, scale_atoms=True)
    assert many(turned, anchors) == pytest.approx(many(atoms, anchors), abs=1e-9)
    assert many(atoms[order], anchors) == pytest.approx(many(atoms, anchors)[order], abs=1e-9)


def test_equal_surroundings_have_one_anchor_and_none_where_there_are_no_neighbours():
    crystal = bulk("Cu", cubic=True) * (2, 2, 1)
    anchors = anchors_of([spectra(crystal), np.zeros((2, BASIS.many_size))], 4)
    assert [np.count_nonzero(row.any(axis=1)) for row in anchors.spectra] == [1, 0]
    assert np.isfinite(anchors.whitening).all()


def test_an_atom_alone_is_like_nothing():
    anchors = anchors_of([spectra(rattled(1))], 6)
    alone = rattled(0)[:1]
    alone.set_cell(np.eye(3) * 30.0)
    assert not many(alone, anchors).any()
