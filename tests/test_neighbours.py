"""Neighbour lists that are kept from step to step against fresh ones."""

import pickle

import numpy as np
import pytest

from softfix.neighbours import Search, neighbour_graph
from tests.conftest import alloy

CUTOFF = 5.0


def in_order(graph):
    order = np.lexsort((*np.round(graph.r_ij, 9).T, graph.target, graph.source))
    return graph.source[order], graph.target[order], graph.r_ij[order]


def arguments(atoms):
    return np.zeros(len(atoms), int), atoms.positions, atoms.cell.array, atoms.pbc


@pytest.mark.parametrize("strain", [0.0, 0.02])
def test_a_list_with_a_skin_is_the_fresh_list_while_atoms_and_cell_move(strain):
    search, atoms, rng = Search(CUTOFF, skin=0.5), alloy(1), np.random.default_rng(0)
    for _ in range(15):
        atoms.positions += rng.normal(scale=0.03, size=atoms.positions.shape)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain * rng.normal(size=(3, 3))), scale_atoms=True)
        atoms.wrap()
        kept, fresh = in_order(search.graph(*arguments(atoms))), in_order(neighbour_graph(*arguments(atoms), CUTOFF))
        for mine, its in zip(kept, fresh, strict=True):
            np.testing.assert_allclose(mine, its, atol=1e-9)


def test_tables_keep_their_shape_in_motion():
    search, atoms, rng = Search(CUTOFF, skin=0.5), alloy(1), np.random.default_rng(0)
    shapes = set()
    for _ in range(20):
        atoms.positions += rng.normal(scale=0.02, size=atoms.positions.shape)
        shapes.add(search.table(*arguments(atoms)).r_ij.shape)
    assert len(shapes) == 1


def test_a_search_can_be_pickled_after_its_use():
    search, atoms = Search(CUTOFF, skin=0.5), alloy(1)
    before = search.table(*arguments(atoms))
    after = pickle.loads(pickle.dumps(search)).table(*arguments(atoms))
    np.testing.assert_array_equal(before.r_ij, after.r_ij)


def test_an_atom_alone_has_no_bonds():
    near = Search(CUTOFF).table(np.zeros(1, int), np.zeros((1, 3)), np.zeros((3, 3)), np.zeros(3, bool))
    assert (np.linalg.norm(near.r_ij, axis=-1) > CUTOFF).all()
