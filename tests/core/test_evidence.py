"""The search of the evidence where it has two maxima."""

import numpy as np

from softfix.core.evidence import Columns, Hyperprior, maximise
from softfix.core.statistics import Gathering, Labelled

ROWS = 200


def test_of_two_maxima_the_likelier_is_found():
    """Exact labels say w = 1, few trusted ones w = 0: with noise in plenty the second win, with none the first."""
    rng = np.random.default_rng(0)
    x = 0.005 * rng.normal(size=(ROWS, 1))
    gathering = Gathering(1)
    gathering.add({"forces": Labelled(x, x[:, 0], np.ones(ROWS))})
    gathering.add({"trust": Labelled(np.full((50, 1), 3.0), np.zeros(50), np.ones(50))})
    floor = np.array([0.0, 5e-5, 0.0, 0.0])
    hyperprior = Hyperprior(np.ones(1), np.full(1, 1e-3), np.array([1.0, 0.02, 1.0, 1.0]), np.full(4, 0.4), floor)
    hyperprior.noise_width[3] = 1e-3
    found = maximise(gathering.statistics(), Columns(np.zeros(1, int), np.ones(1)), hyperprior)
    assert found.noise[1] < 1e-4
