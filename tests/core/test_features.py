"""Radial functions, harmonics and invariants against what they must be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre

from softfix.core.angular import degree_of, harmonics
from softfix.core.basis import Basis
from softfix.core.graph import bucket, table
from softfix.core.invariants import invariants, surroundings_of
from softfix.core.precision import in_float64
from softfix.core.radial import bessel
from softfix.neighbours import neighbour_graph

BASIS = Basis(2, pair_cutoff=5.0, pair_count=4, three_cutoff=4.5, three_count=3)
ROUND_OFF = 1e-10
apply = in_float64(jax.jit(invariants, static_argnums=0))


def features(positions, cell=None, species=None, basis=BASIS):
    cell = np.zeros((3, 3)) if cell is None else cell
    species = np.arange(len(positions)) % 2 if species is None else species
    graph = neighbour_graph(species, positions, cell, np.full(3, bool(cell.any())), basis.cutoff)
    return np.asarray(apply(basis, surroundings_of(table(graph, basis.cutoff))))[: len(positions)]


@pytest.fixture
def cluster():
    return np.random.default_rng(0).normal(scale=1.8, size=(9, 3))


@in_float64
def test_harmonics_obey_the_addition_theorem():
    u, v = np.random.default_rng(1).normal(size=(2, 3))
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    product = np.asarray(harmonics(jnp.asarray(u), 3) * harmonics(jnp.asarray(v), 3))
    for l in range(4):
        assert product[degree_of(3) == l].sum() == pytest.approx(eval_legendre(l, u @ v), abs=1e-12)


def test_harmonics_refuse_a_degree_that_they_do_not_have():
    with pytest.raises(ValueError, match="not 4"):
        harmonics(jnp.ones(3), 4)


@in_float64
def test_radial_functions_and_two_derivatives_vanish_at_the_cutoff():
    for order, limit in enumerate((1e-12, 1e-8, 1e-4)):
        function = lambda r: bessel(r, 5.0, 6)  # noqa: E731
        for _ in range(order):
            function = jax.jacfwd(function)
        assert np.abs(np.asarray(function(jnp.asarray(5.0 - 1e-7)))).max() < max(limit, 1e-4 * order**2)
        assert not np.asarray(function(jnp.asarray(5.0 + 1e-9))).any()


def test_invariants_do_not_change_under_rotation_and_translation(cluster):
    turned = cluster @ Rotation.from_euler("xyz", (0.3, 1.1, -0.7)).as_matrix().T + (3.0, -2.0, 8.0)
    assert np.allclose(features(turned), features(cluster), atol=ROUND_OFF)


def test_invariants_do_not_change_under_inversion(cluster):
    assert np.allclose(features(-cluster), features(cluster), atol=ROUND_OFF)


def test_invariants_follow_a_permutation_of_atoms(cluster):
    order = np.random.default_rng(2).permutation(len(cluster))
    species = np.arange(len(cluster)) % 2
    assert np.allclose(features(cluster[order], species=species[order]), features(cluster)[order], atol=ROUND_OFF)


def test_invariants_are_those_of_the_supercell():
    cell = np.diag([3.9, 4.2, 4.4])
    positions = np.array([[0.1, 0.0, 0.2], [2.0, 2.1, 2.3]])
    doubled = np.concatenate([positions, positions + cell[0]])
    twice = np.diag([7.8, 4.2, 4.4])
    small, large = features(positions, cell), features(doubled, twice, np.array([0, 1, 0, 1]))
    assert np.allclose(large, np.concatenate([small, small]), atol=ROUND_OFF)


def test_an_atom_that_crosses_the_cutoff_changes_nothing_abruptly():
    def at(distance):
        return features(np.array([[0.0, 0, 0], [0, 0, 1.9], [distance, 0, 0]]), species=np.array([0, 1, 0]))[0]

    pair, three = slice(0, BASIS.pair_features), slice(BASIS.pair_features, None)
    for cutoff, part in ((BASIS.pair_cutoff, pair), (BASIS.three_cutoff, three)):
        inside, outside = at(cutoff - 1e-5)[part], at(cutoff + 1e-5)[part]
        assert np.allclose(inside, outside, atol=1e-9)
        assert not np.allclose(at(cutoff - 0.5)[part], outside, atol=1e-6)


def test_invariants_of_a_pair_are_the_radial_functions():
    phi = features(np.array([[0.0, 0, 0], [0, 0, 2.2]]), species=np.array([0, 1]))
    radial = np.sin(np.arange(1, 5) * np.pi * 2.2 / 5.0) / 2.2
    x = 2.2 / 5.0
    radial = radial * (1 - 28 * x**6 + 48 * x**7 - 21 * x**8)
    assert np.allclose(phi[0, :4], 0.0)
    assert np.allclose(phi[0, 4:8], radial, atol=1e-12)


def test_padding_changes_nothing(cluster):
    species = np.arange(len(cluster)) % 2
    graph = neighbour_graph(species, cluster, np.zeros((3, 3)), np.zeros(3, bool), BASIS.cutoff)
    bare, padded = (
        np.asarray(apply(BASIS, surroundings_of(table(graph, BASIS.cutoff, *shape)))) for shape in ((9, 8), (20, 30))
    )
    assert np.allclose(bare, padded[: len(cluster)], rtol=1e-13, atol=1e-14)
    assert not padded[len(cluster) :].any()


def test_buckets_are_few_and_large_enough():
    sizes = {bucket(count) for count in range(1, 2000)}
    assert len(sizes) < 30
    assert all(bucket(count) >= count for count in range(1, 2000))


def test_the_table_of_columns_has_an_entry_for_each_feature():
    assert {len(values) for values in BASIS.table().values()} == {BASIS.features}
    assert BASIS.columns == 2 * BASIS.features


@in_float64
def test_invariants_are_the_sums_over_bonds_that_define_them(cluster):
    for basis in (BASIS, Basis(2, pair_cutoff=5.0, pair_count=4, three_count=0)):
        species = np.arange(len(cluster)) % 2
        graph = neighbour_graph(species, cluster, np.zeros((3, 3)), np.zeros(3, bool), basis.cutoff)
        pair = np.zeros((len(cluster), 2, basis.pair_count))
        three = np.zeros((len(cluster), 2, basis.three_count, 16))
        for i, j, r_ij in zip(graph.source, graph.target, graph.r_ij, strict=True):
            radial, angular = basis.edge(jnp.asarray(r_ij))
            pair[i, species[j]] += radial
            three[i, species[j]] += angular
        three = three.reshape(len(cluster), -1, 16)
        products = np.stack([np.einsum("iam,ibm->iab", three[:, :, m], three[:, :, m]) for m in basis.by_degree()], -1)
        a, b = basis.triangle
        expected = np.concatenate([pair.reshape(len(cluster), -1), products[:, a, b].reshape(len(cluster), -1)], axis=1)
        assert np.allclose(features(cluster, basis=basis), expected, rtol=1e-12, atol=1e-12)
