"""The search of the evidence where it has two maxima."""

import numpy as np

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
