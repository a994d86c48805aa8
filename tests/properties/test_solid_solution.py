"""Solid solutions: formation energies of made-up and of labelled orderings."""

import numpy as np
import pytest
from ase.build import bulk

from softfix.bases import load_base
from softfix.errors import SoftfixError
from softfix.properties.run import Potentials, measure_property
from softfix.properties.solid_solution import BOLTZMANN, findings_of, mixture_of
from tests.conftest import SoftEMT, labelled
from tests.properties.conftest import frames_of


def orderings():
    """Cu-Au on the fcc sites of one cubic cell, at the volumes of Vegard's law."""
    found = []
    for gold in range(5):
        atoms = bulk("Cu", "fcc", a=3.6 + 0.12 * gold, cubic=True)
        atoms.symbols[:gold] = "Au"
        found.append(atoms)
    return found


def test_a_regular_solution_gives_its_interaction_and_critical_temperature_back():
    mixture = mixture_of(frames_of(*orderings()))
    omega, ends = 0.2, np.array([-3.0, -5.0])
    energies = 4 * (omega * mixture.x * (1 - mixture.x) + (1 - mixture.x) * ends[0] + mixture.x * ends[1])
    values = {value.quantity: value.value for value in findings_of(mixture, energies).values}
    assert values["highest formation energy"] == pytest.approx(1000 * omega / 4)
    assert values["interaction of a regular solution"] == pytest.approx(1000 * omega)
    assert values["critical temperature of a regular solution"] == pytest.approx(omega / (2 * BOLTZMANN))


def test_labelled_orderings_are_their_own_reference_and_softness_shows(tmp_path):
    frames = [labelled(atoms) for atoms in orderings()]
    result = measure_property("solid-solution", frames, Potentials(load_base(SoftEMT())), tmp_path)
    row = result.row("lowest formation energy")
    assert row.reference < 0.0  # EMT orders Cu-Au, as nature does
    assert row.base == pytest.approx(0.8 * row.reference, rel=1e-6)
    error = result.row("formation energy MAE").base
    assert error == pytest.approx(0.2 * np.mean([abs(y) for y in result.panels[0].curves[-1].y]), rel=1e-3)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ([1, 2, 4], "no structure is the end member with Cu alone"),
        ([0, 4], "there are end members alone"),
        ([2, 2], "the shares of none differ"),
    ],
)
def test_sets_that_tell_no_formation_energy_are_refused(tmp_path, chosen, words):
    # Elements are ordered by atomic number: Cu comes first.
    every = orderings()
    with pytest.raises(SoftfixError, match=words):
        measure_property(
            "solid-solution", frames_of(*(every[i] for i in chosen)), Potentials(load_base(SoftEMT())), tmp_path
        )
