"""Energies of phases: copper in three lattices."""

from dataclasses import replace

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from softfix.bases import load_base
from softfix.errors import SoftfixError
from softfix.properties.polymorphs import PolymorphSettings
from softfix.properties.run import Potentials, measure_property
from tests.conftest import SoftEMT, labelled
from tests.properties.conftest import frames_of


def phases():
    made = (bulk("Cu", "fcc", a=3.6), bulk("Cu", "hcp", a=2.55), bulk("Cu", "bcc", a=2.87))
    return [replace(labelled(atoms), config_type=name) for atoms, name in zip(made, ("fcc", "hcp", "bcc"), strict=True)]


def test_labelled_phases_are_their_own_reference_and_softness_shows(tmp_path):
    result = measure_property("polymorphs", phases(), Potentials(load_base(SoftEMT())), tmp_path)
    bcc = result.row("bcc above fcc")
    assert bcc.reference > 0.0
    assert bcc.base == pytest.approx(0.8 * bcc.reference, rel=1e-6)
    assert result.row("order of the reference").base == 1.0
    assert result.row("largest error").base == pytest.approx(0.2 * bcc.reference, rel=1e-3)


def test_relaxation_keeps_each_phase(tmp_path):
    settings = PolymorphSettings(relax=True)
    result = measure_property("polymorphs", phases(), Potentials(load_base(EMT())), tmp_path, None, settings)
    unrelaxed = measure_property("polymorphs", phases(), Potentials(load_base(EMT())), tmp_path)
    assert abs(result.row("hcp above fcc").base) < 10.0 < result.row("bcc above fcc").base  # meV/atom
    assert result.row("bcc above fcc").base < unrelaxed.row("bcc above fcc").base + 1.0


def test_one_phase_and_phases_of_two_compounds_are_refused(tmp_path):
    potentials = Potentials(load_base(EMT()))
    with pytest.raises(SoftfixError, match="two structures or more"):
        measure_property("polymorphs", frames_of(bulk("Cu")), potentials, tmp_path)
    with pytest.raises(SoftfixError, match=r"structure 2 is Au, but the parent phase structure 1 is Cu"):
        measure_property("polymorphs", frames_of(bulk("Cu"), bulk("Au")), potentials, tmp_path)
