"""The search of the evidence where it has two maxima."""

import numpy as np
import pytest

from softfix.core.evidence import Columns, Hyperprior, maximise
from softfix.core.statistics import Gathering, Labelled

ROWS, TRUSTED = 96, 60


def two_minded(noise_floor, guess=None):
    """Exact labels say w = 0.25, trusted ones w = 0: taken for noise, the first are overruled by the second."""
    x = 0.02 * np.random.default_rng(0).normal(size=(ROWS, 1))
    gathering = Gathering(1)
    gathering.add({"forces": Labelled(x, 0.25 * x[:, 0], np.ones(ROWS))})
    gathering.add({"trust": Labelled(np.full((TRUSTED, 1), 10.0), np.zeros(TRUSTED), np.ones(TRUSTED))})
    amplitude, held = np.full(1, 0.1), 1e-3
    medians, widths = np.array([1.0, 0.02, 1.0, 1.0]), np.array([0.4, 0.4, 0.4, held])
    hyperprior = Hyperprior(amplitude, np.full(1, held), medians, widths, np.array([0.0, noise_floor, 0.0, 0.0]))
    return maximise(gathering.statistics(), Columns(np.zeros(1, int), np.ones(1)), hyperprior, guess=guess)


def test_of_two_maxima_the_likelier_is_found():
    found = two_minded(5e-5)
    assert found.noise[1] < 1e-4


def test_the_other_is_left_where_the_noise_cannot_be_that_small():
    assert two_minded(2e-3).noise[1] > 3e-3


def test_a_search_from_its_own_end_is_over_at_once():
    found = two_minded(5e-5)
    again = two_minded(5e-5, guess=found)
    assert found.steps > 0
    assert again.steps == 0
    assert np.allclose(again.noise, found.noise, rtol=1e-6)
    assert found.gain < 0.01


def scattered(ceiling, energy_width=0.4):
    """One weight, told by forces and, with a scatter of 0.05 about another value, by energies."""
    random, gathering = np.random.default_rng(1), Gathering(1)
    x, e = random.normal(size=(50, 1)), random.normal(size=(30, 1))
    gathering.add({"forces": Labelled(x, 0.2 * x[:, 0] + 0.1 * random.normal(size=50), np.ones(50))})
    gathering.add({"energy": Labelled(e, 0.25 * e[:, 0] + 0.05 * random.normal(size=30), np.ones(30))})
    medians = np.array([0.01, 0.02, 1.0, 1.0])
    hyperprior = Hyperprior(
        np.full(1, 0.1), np.ones(1), medians, np.array([energy_width, 1.0, 0.4, 1e-3]), np.zeros(4), ceiling
    )
    return maximise(gathering.statistics(), Columns(np.zeros(1, int), np.ones(1)), hyperprior)


def test_noise_at_its_ceiling_is_as_if_it_were_known():
    ceiling = np.array([0.01, np.inf, np.inf, np.inf])
    assert scattered(np.inf).noise[0] > 0.03
    held, known = scattered(ceiling), scattered(np.inf, energy_width=1e-6)
    assert held.noise[0] == 0.01
    assert held.noise == pytest.approx(known.noise, rel=0.02)
    assert held.amplitude == pytest.approx(known.amplitude, rel=0.02)
    assert held.steps <= known.steps + 2


def test_noise_below_its_ceiling_does_not_feel_it():
    free, below = scattered(np.inf), scattered(np.full(4, 1e3))
    assert np.allclose(free.noise, below.noise)
    assert free.steps == below.steps
