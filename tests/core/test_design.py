"""Design rows and the energy function against finite differences, and against each other."""

from dataclasses import replace

import numpy as np
import pytest

from softfix.core.anchors import anchors_of
from softfix.core.basis import Basis
from softfix.core.crowding import core_functions
from softfix.core.design import design_rows
from softfix.core.energy import evaluate
from softfix.core.gate import farthest_of, fence, fenced, gate_of, localised, most_crowded_of, openness, spread_of
from softfix.core.graph import Graph, table
from softfix.core.invariants import features_of, spectra_of
from softfix.core.precision import in_float64
from softfix.neighbours import neighbour_graph
from tests.conftest import alloy

STEP = 5e-6  # Å, or of strain
RELATIVE = 1e-6  # of the largest component
BASES = [Basis(2, pair_count=5, three_count=3), Basis(2, pair_count=5, three_count=0)]
ANCHORED = [Basis(2, pair_count=5, three_count=3, many_count=4), Basis(2, pair_count=5, three_count=0, many_count=2)]


def bare_graph(positions, cell, numbers, basis):
    return neighbour_graph((numbers == 79).astype(int), positions, cell, np.ones(3, bool), basis.cutoff)


def near_of(positions, cell, numbers, basis):
    return table(bare_graph(positions, cell, numbers, basis), basis.cutoff)


def whole_table(atoms, basis):
    return near_of(atoms.positions, atoms.cell.array, atoms.numbers, basis)


def rows_of(basis, gates, atoms):
    graph = bare_graph(atoms.positions, atoms.cell.array, atoms.numbers, basis)
    return design_rows(basis, gates, table(graph, basis.cutoff))


@in_float64
def anchored(basis, atoms, count=5):
    """The basis with anchors among `atoms`, if it is to have some."""
    near = whole_table(atoms, basis)
    p, species = np.asarray(spectra_of(basis, near))[: len(atoms)], np.asarray(near.species)[: len(atoms)]
    return replace(basis, anchors=anchors_of([p[species == z] for z in range(2)], count)) if basis.many_count else basis


@in_float64
def gate_around(basis, atoms):
    """Gate that is half open on `atoms` rattled anew, and crowded there."""
    near = whole_table(atoms, basis)
    phi = np.asarray(features_of(basis, near))[: len(atoms)]
    species = np.asarray(near.species)[: len(atoms)]
    gate = gate_of(basis, spread_of(basis, phi, species))._replace(core=core_functions(basis, np.full((2, 2), 3.0)))
    crowded = most_crowded_of(basis, gate, phi, species) - 0.3
    return localised(fenced(gate, farthest_of(basis, gate, phi, species), crowded, 0.5, 0.05), 0.3, 1.0)


@pytest.fixture(params=[(b, gated) for b in BASES + ANCHORED for gated in (False, True)], ids=str)
def system(request):
    basis, gated = request.param
    basis, atoms = anchored(basis, alloy(7)), alloy(0, size=1)
    gate = gate_around(basis, alloy(7, size=1)) if gated else None
    weights = np.random.default_rng(3).normal(size=(2, basis.features))

    @in_float64
    def energy(positions, cell=atoms.cell.array):
        return float(evaluate(basis, weights, gate, near_of(positions, cell, atoms.numbers, basis)).energy)

    return basis, gate, atoms, weights, energy


def central(energy, plus, minus):
    return (energy(*plus) - energy(*minus)) / (2 * STEP)


@in_float64
def test_forces_are_minus_the_derivative_of_the_energy(system):
    basis, gate, atoms, weights, energy = system
    forces = np.asarray(
        evaluate(basis, weights, gate, near_of(atoms.positions, atoms.cell.array, atoms.numbers, basis)).forces
    )
    largest = np.abs(forces).max()
    for atom in range(len(atoms)):
        for axis in range(3):
            shift = np.zeros_like(atoms.positions)
            shift[atom, axis] = STEP
            numeric = -central(energy, (atoms.positions + shift,), (atoms.positions - shift,))
            assert forces[atom, axis] == pytest.approx(numeric, abs=RELATIVE * largest)


@in_float64
def test_the_strain_derivative_is_that_of_the_energy(system):
    basis, gate, atoms, weights, energy = system
    strain = np.asarray(
        evaluate(basis, weights, gate, near_of(atoms.positions, atoms.cell.array, atoms.numbers, basis)).strain
    )
    for a in range(3):
        for b in range(3):
            e = np.zeros((3, 3))
            e[a, b] += STEP / 2
            e[b, a] += STEP / 2
            ends = [(atoms.positions @ (np.eye(3) + s * e), atoms.cell.array @ (np.eye(3) + s * e)) for s in (1, -1)]
            assert strain[a, b] == pytest.approx(central(energy, *ends), abs=RELATIVE * np.abs(strain).max())
    assert np.array_equal(strain, strain.T)


@in_float64
def test_gates_of_these_tests_are_ajar(system):
    basis, gate, atoms, weights, _ = system
    g = np.asarray(evaluate(basis, weights, gate, whole_table(atoms, basis)).openness)[: len(atoms)]
    assert ((g > 0.05) & (g < 0.99)).all() if gate else (g == 1.0).all()


@in_float64
def test_design_rows_times_weights_are_the_energy_function(system):
    basis, gate, atoms, weights, _ = system
    (rows,), result = rows_of(basis, (gate,), atoms), evaluate(basis, weights, gate, whole_table(atoms, basis))
    w = weights.reshape(-1)
    assert float(np.asarray(rows.energy) @ w) == pytest.approx(float(result.energy), rel=1e-12)
    assert np.allclose(np.asarray(rows.forces) @ w, result.forces, atol=1e-10 * np.abs(result.forces).max())
    assert np.allclose(np.asarray(rows.strain) @ w, result.strain, atol=1e-10 * np.abs(result.strain).max())


@in_float64
def test_forces_sum_to_zero_in_every_column(system):
    basis, gate, atoms, _, _ = system
    (rows,) = rows_of(basis, (gate,), atoms)
    assert np.abs(np.asarray(rows.forces).sum(axis=0)).max() < 1e-10


@in_float64
def test_the_fence_is_whole_on_the_fit_and_gone_far_from_it():
    basis = BASES[0]
    fitted, strained, single = alloy(0, rattle=0.05), alloy(0, rattle=0.05), alloy(0, rattle=0.05)
    strained.set_cell(strained.cell.array * 1.15, scale_atoms=True)
    del single[1:]
    gate = gate_around(basis, fitted)
    near = whole_table(fitted, basis)
    phi, species = (
        np.asarray(features_of(basis, near))[: len(fitted)],
        np.asarray(near.species)[: len(fitted)],
    )
    gate = fenced(gate, farthest_of(basis, gate, phi, species), most_crowded_of(basis, gate, phi, species), 1.0, 0.0)

    def h(atoms):
        near = whole_table(atoms, basis)
        return np.asarray(fence(basis, gate, features_of(basis, near), near.species))[: len(atoms)]

    assert (h(fitted) == 1.0).all()
    assert (h(strained) < 1.0).any()
    assert (h(single) == 0.0).all()


@in_float64
def test_the_gate_is_open_in_the_fit_s_surroundings_and_closed_far_from_them():
    basis = BASES[0]
    crystal, melt = alloy(0, rattle=0.05), alloy(1, rattle=1.0)
    gate = gate_around(basis, crystal)

    def g(atoms):
        near = whole_table(atoms, basis)
        return np.asarray(openness(basis, gate, features_of(basis, near), near.species))[: len(atoms)]

    assert g(crystal).mean() > 0.6
    assert g(melt).mean() < 0.5 * g(crystal).mean()


@in_float64
def test_a_gated_energy_vanishes_smoothly_where_the_last_neighbour_leaves():
    basis = BASES[0]
    gate = gate_around(basis, alloy(7, size=1))._replace(inner=np.full(2, 1e12), outer=np.full(2, 2e12))  # no fence
    weights = np.random.default_rng(3).normal(size=(2, basis.features))

    def dimer(r):
        r_ij = np.array([[r, 0.0, 0.0], [-r, 0.0, 0.0]])
        bonds = Graph(np.array([0, 1]), np.array([0, 1]), np.array([1, 0]), r_ij)
        result = evaluate(basis, weights, gate, table(bonds, basis.cutoff))
        return float(result.energy), float(result.forces[1, 0])

    assert dimer(basis.three_cutoff + 0.1) == (0.0, 0.0)  # what the gate looks at ends there
    short, long = (abs(np.array(dimer(basis.three_cutoff - gap))) for gap in (2.5, 0.2))
    assert (short > 1e-6).all()
    assert (long < 1e-12).all()
