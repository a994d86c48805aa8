"""Equations of state: of a known curve, and of crystals whose moduli are known."""

import json

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from softfix.bases import load_base
from softfix.data import write_frames
from softfix.errors import SoftfixError
from softfix.properties.eos import EosSettings, analyse, birch_murnaghan
from softfix.properties.run import Potentials, measure_property
from tests.conftest import SoftEMT, labelled
from tests.properties.conftest import frames_of

SIGMA, EPSILON = 2.3, 0.2  # Å, eV
NEIGHBOURS_ONLY = 1.3 * SIGMA  # between the first and the second shell of the fcc crystal


def test_a_made_up_curve_gives_its_parameters_back():
    volumes = np.linspace(9.0, 13.0, 9)
    found = analyse(volumes, birch_murnaghan(volumes, -3.0, 0.9, 4.5, 11.0), "made up")
    values = {value.quantity: value.value for value in found.values}
    assert values["volume"] == pytest.approx(11.0, rel=1e-6)
    assert values["bulk modulus"] == pytest.approx(0.9 / units.GPa, rel=1e-5)
    assert values["pressure derivative of the bulk modulus"] == pytest.approx(4.5, rel=1e-4)


def test_lennard_jones_neighbours_give_the_modulus_of_pencil_and_paper(tmp_path):
    base = load_base(LennardJones(sigma=SIGMA, epsilon=EPSILON, rc=NEIGHBOURS_ONLY))
    start = frames_of(bulk("Cu", a=2 ** (1 / 6) * SIGMA * np.sqrt(2) * 1.01))
    result = measure_property("eos", start, Potentials(base), tmp_path, None, EosSettings(span=0.02))
    # E = 6 phi(r) and V = r^3 / sqrt 2 per atom: V_0 = sigma^3, B = V E'' = 4 phi'' / (3 sqrt 2 r) = 48 eps / sigma^3
    assert result.row("volume").base == pytest.approx(SIGMA**3, rel=1e-4)
    assert result.row("bulk modulus").base == pytest.approx(48.0 * EPSILON / SIGMA**3 / units.GPa, rel=5e-3)


def test_a_softened_base_has_a_modulus_too_small_by_its_softness_and_labelled_frames_are_the_reference(tmp_path):
    frames = []
    for a in np.linspace(3.5, 3.7, 7):
        frames.append(labelled(bulk("Cu", a=a)))
    write_frames(tmp_path / "curve.extxyz", frames)
    copper, potentials = frames_of(bulk("Cu", a=3.6)), Potentials(load_base(SoftEMT()))
    result = measure_property("eos", copper, potentials, tmp_path, tmp_path / "curve.extxyz", quick=True)
    modulus = result.row("bulk modulus")
    assert modulus.base == pytest.approx(0.8 * modulus.reference, rel=0.02)
    assert 120 < modulus.reference < 140  # GPa; EMT of ASE gives 134 by its own test of fcc copper
    assert result.row("volume").base == pytest.approx(result.row("volume").reference, rel=1e-3)
    assert result.row("energy error over the curve (rms)").base > 1.0


def test_numbers_of_a_file_stand_beside(tmp_path):
    (tmp_path / "reference.json").write_text(json.dumps({"bulk modulus": 140}))
    copper = frames_of(bulk("Cu", a=3.6))
    result = measure_property(
        "eos", copper, Potentials(load_base(EMT())), tmp_path, tmp_path / "reference.json", quick=True
    )
    assert result.row("bulk modulus").reference == 140.0
    assert result.row("volume").reference is None


def test_a_reference_that_has_no_minimum_is_refused(tmp_path):
    write_frames(tmp_path / "curve.extxyz", [labelled(bulk("Cu", a=a)) for a in np.linspace(3.7, 3.9, 6)])
    with pytest.raises(SoftfixError, match=r"lowest at the end of the curve .*not relaxed there: give smaller volumes"):
        measure_property(
            "eos", frames_of(bulk("Cu")), Potentials(load_base(EMT())), tmp_path, tmp_path / "curve.extxyz"
        )


def test_a_reference_of_another_composition_is_refused(tmp_path):
    write_frames(tmp_path / "curve.extxyz", [labelled(bulk("Au", a=a)) for a in np.linspace(3.9, 4.2, 6)])
    with pytest.raises(SoftfixError, match=r"curve\.extxyz is Au, but the structure structure 1 is Cu"):
        measure_property(
            "eos", frames_of(bulk("Cu")), Potentials(load_base(EMT())), tmp_path, tmp_path / "curve.extxyz"
        )
