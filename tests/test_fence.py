"""Far from the frames of the fit a correction returns to its base, smoothly, the softening scale included."""

from dataclasses import replace

import numpy as np
import pytest
from ase.calculators.calculator import Calculator, all_changes

from softfix.bases.factory import CalculatorBase
from softfix.bases.sites import Sites
from softfix.calculator import CorrectedCalculator
from softfix.correct import correct, corrected, shares_of
from softfix.correction import load_correction
from softfix.evaluations import evaluate_base
from softfix.fitting import fit
from softfix.neighbours import neighbour_graph
from softfix.report.domain import reached
from softfix.rows import VOIGT
from softfix.settings import FitSettings
from tests.conftest import alloy, labelled

CUTOFF = 4.5
SETTINGS = FitSettings.model_validate(
    {
        "basis": {"pair_count": 6, "three_count": 2, "many_count": 3, "anchors": 16, "three_cutoff": 5.0},
        "domain": "global",
        "prior": {"scale": 1.0, "pair": 1e-3, "three_body": 1e-3},
    }
)


def pair_sum(atoms, weights):
    """Site energies e_i = sum_j (1 - r_ij / r_c)^3, and the derivatives of sum_i w_i e_i."""
    graph = neighbour_graph(np.zeros(len(atoms), int), atoms.positions, atoms.cell.array, atoms.pbc, CUTOFF)
    r = np.linalg.norm(graph.r_ij, axis=1)
    energies = np.bincount(graph.source, (1 - r / CUTOFF) ** 3, minlength=len(atoms))
    slope = (weights[graph.source] * -3 * (1 - r / CUTOFF) ** 2 / CUTOFF / r)[:, None] * graph.r_ij
    forces = np.zeros((len(atoms), 3))
    np.add.at(forces, graph.source, slope)
    np.add.at(forces, graph.target, -slope)
    total = {"energy": energies.sum(), "free_energy": energies.sum()}
    return Sites(energies, forces, (graph.r_ij.T @ slope)[VOIGT] / atoms.get_volume(), total)


class Repulsion(Calculator):
    """A crude potential that is a sum of site energies."""

    implemented_properties = ("energy", "forces", "stress")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        sites = pair_sum(atoms, np.ones(len(atoms)))
        self.results = {**sites.results, "forces": sites.forces, "stress": sites.stress}


class RepulsionBase(CalculatorBase):
    """The same as a base that tells its site energies."""

    has_sites = True

    def sites(self, calculator, atoms, weights):
        return pair_sum(atoms, np.asarray(weights))


@pytest.fixture(scope="module")
def base():
    return RepulsionBase(Repulsion())


@pytest.fixture
def correction(base):
    found = fit([labelled(alloy(seed, size=1, rattle=0.05)) for seed in range(3)], base, SETTINGS).correction
    assert abs(found.scale) > 0.05  # or the tests below would say nothing of it
    assert found.site_energies is not None
    return found


def between(stretch):
    """A crystal of the fit that is stretched out of its fence."""
    atoms = alloy(1, size=1, rattle=0.05)
    atoms.set_cell(atoms.cell.array * stretch, scale_atoms=True)
    return labelled(atoms)


def energy_of(correction, base, frame):
    return corrected(correction, [frame], base)[0].energy


def test_far_from_the_fit_the_base_is_left_as_it_is(correction, base):
    frame = between(1.25)
    before = evaluate_base(base, [frame])[0]
    change = correct(correction, frame, before, shares_of(base))
    assert np.abs(change.forces).max() < 1e-10
    assert np.abs(change.stress).max() < 1e-10
    whole = correct(correction, frame, before, None)  # what a base without site energies gets
    assert np.abs(whole.forces).max() > 1e-3


@pytest.mark.parametrize("stretch", [1.02, 1.06, 1.10, 1.14])
def test_forces_and_stress_stay_derivatives_across_the_fence(correction, base, stretch):
    frame, step = between(stretch), 1e-4
    result = corrected(correction, [frame], base)[0]
    for atom, axis in ((0, 0), (2, 1)):
        shift = np.zeros_like(frame.positions)
        shift[atom, axis] = step
        ends = [energy_of(correction, base, replace(frame, positions=frame.positions + s * shift)) for s in (1, -1)]
        numeric = -(ends[0] - ends[1]) / (2 * step)
        assert result.forces[atom, axis] == pytest.approx(numeric, abs=1e-5)
    strain = np.eye(3) + step * np.diag([1.0, 0.0, 0.0])
    back = np.eye(3) - step * np.diag([1.0, 0.0, 0.0])
    ends = [
        energy_of(correction, base, replace(frame, positions=frame.positions @ f, cell=frame.cell @ f))
        for f in (strain, back)
    ]
    assert result.stress[0] * frame.volume == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-4)


def test_the_fence_is_crossed_in_this_test(correction, base):
    """The stretches above lie inside, across and outside, so that they test what they say."""
    sizes = []
    for stretch in (1.0, 1.06, 1.10, 1.25):
        frame = between(stretch)
        before = evaluate_base(base, [frame])[0]
        with_sites, without = (correct(correction, frame, before, shares) for shares in (shares_of(base), None))
        sizes.append(np.abs(with_sites.forces - without.forces).max())
    assert sizes[0] == 0.0
    assert max(sizes[1:3]) > 1e-4


def test_the_calculator_and_a_file_keep_the_fence(correction, base, tmp_path):
    correction.save(tmp_path / "x.softfix")
    loaded = load_correction(tmp_path / "x.softfix")
    np.testing.assert_array_equal(loaded.site_energies, correction.site_energies)
    for stretch in (1.0, 1.08):
        frame = between(stretch)
        atoms = alloy(1, size=1, rattle=0.05)
        atoms.set_cell(frame.cell, scale_atoms=True)
        atoms.calc = CorrectedCalculator(base, loaded)
        np.testing.assert_allclose(atoms.get_forces(), corrected(correction, [frame], base)[0].forces, atol=1e-9)


def test_steps_across_the_fence_evaluate_the_base_once_from_the_second_on(correction, base, monkeypatch):
    calls = []
    monkeypatch.setattr(RepulsionBase, "sites", lambda *args: calls.append("sites") or pair_sum(*args[2:]))
    plain = Repulsion.calculate
    monkeypatch.setattr(Repulsion, "calculate", lambda *args, **kw: calls.append("plain") or plain(*args, **kw))
    atoms = alloy(1, size=1, rattle=0.05)
    atoms.calc = CorrectedCalculator(base, correction)
    atoms.get_forces(), atoms.get_stress()
    assert calls == ["plain"]
    atoms.set_cell(between(1.08).cell, scale_atoms=True)
    atoms.get_forces(), atoms.get_stress()
    assert calls == ["plain", "plain", "sites"]
    calls.clear()
    atoms.set_cell(between(1.085).cell, scale_atoms=True)
    forces = atoms.get_forces()
    assert calls == ["sites"]
    extra = atoms.calc.extra_results
    np.testing.assert_allclose(extra["base_forces"] + extra["correction_forces"], forces, atol=1e-12)
    assert calls == ["sites", "plain"]
    atoms.set_cell(between(1.0).cell, scale_atoms=True)
    again = atoms.get_forces()
    assert calls == ["sites", "plain", "plain"]
    atoms.calc = CorrectedCalculator(base, correction)
    np.testing.assert_array_equal(atoms.get_forces(), again)


@pytest.fixture
def collision(correction):
    """A crystal of the fit in which one atom is moved towards its neighbour; the distance in Å is given."""
    atoms = alloy(1, size=1, rattle=0.05)
    pair = atoms.get_all_distances(mic=True) + 9.0 * np.eye(len(atoms))
    i, j = np.unravel_index(pair.argmin(), pair.shape)
    bond = atoms.get_distance(i, j, mic=True, vector=True)

    def at(length):
        moved = atoms.copy()
        moved.positions[i] += bond * (1.0 - length / np.linalg.norm(bond))
        return labelled(moved)

    return at, float(np.linalg.norm(bond)), (int(i), int(j)), bond / np.linalg.norm(bond)


def test_colliding_atoms_are_left_to_the_base(correction, base, collision):
    at, shortest, (i, j), _ = collision
    wide = correction.gate._replace(inner=np.full(2, 1e6), outer=np.full(2, 2e6))  # against all else
    blind = wide._replace(core=np.zeros_like(wide.core))
    frame = at(0.5 * shortest)
    fences = [reached(replace(correction, gate=gate), frame)[0] for gate in (wide, blind)]
    assert fences[0][i] == fences[0][j] == 0.0
    assert (fences[1] == 1.0).all()
    assert (reached(replace(correction, gate=wide), at(shortest))[0] == 1.0).all()


@pytest.mark.parametrize("share", [0.9, 0.8, 0.7, 0.65, 0.5])
def test_forces_stay_derivatives_through_a_collision(correction, base, collision, share):
    at, shortest, (i, _), along = collision
    frame, step = at(share * shortest), 1e-4
    ends = []
    for sign in (1, -1):
        shift = np.zeros_like(frame.positions)
        shift[i] = sign * step * along
        ends.append(energy_of(correction, base, replace(frame, positions=frame.positions + shift)))
    found = corrected(correction, [frame], base)[0].forces[i] @ along
    assert found == pytest.approx(-(ends[0] - ends[1]) / (2 * step), abs=1e-5)
