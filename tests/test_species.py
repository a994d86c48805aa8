"""Elements that are alike share functions where frames left out are foretold better so, and only there."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential

from softfix.bases import load_base
from softfix.calculator import CorrectedCalculator
from softfix.correct import corrected
from softfix.correction import load_correction
from softfix.fitting import fit
from softfix.settings import FitSettings
from softfix.species import alike, fewest, species_of
from tests.conftest import labelled
from tests.test_candidate import SMALL

SETTINGS = FitSettings.model_validate(SMALL)
ERROR = MorsePotential(epsilon=0.05, r0=2.8, rho0=4.0, rcut1=4.5, rcut2=5.5)  # what the base lacks


def crystal(symbol, seed):
    """Rattled crystal of palladium or platinum."""
    atoms = bulk(symbol, a=3.9, cubic=True) * (2, 2, 2)
    atoms.rattle(0.1, seed=seed)
    return atoms


def wrong(symbols):
    """Frames of Pd and Pt in turn, whose truth is EMT, and by Morse's pair potential more in crystals of `symbols`."""
    frames = []
    for seed in range(6):
        symbol = ("Pd", "Pt")[seed % 2]
        atoms = crystal(symbol, seed)
        frame = labelled(atoms)
        if symbol in symbols:
            atoms.calc = ERROR
            frame = replace(
                frame,
                energy=frame.energy + atoms.get_potential_energy(),
                forces=frame.forces + atoms.get_forces(),
                stress=frame.stress + atoms.get_stress(),
            )
        frames.append(frame)
    return frames


@pytest.fixture(scope="module")
def base():
    return load_base(EMT())


@pytest.fixture(scope="module")
def correction(base, tmp_path_factory):
    """Fitted to a frame of palladium and one of platinum that err alike."""
    path = tmp_path_factory.mktemp("shared") / "alike.softfix"
    fit(wrong({"Pd", "Pt"})[:2], base, SETTINGS).correction.save(path)
    return load_correction(path)


def test_alike_are_elements_of_a_group_in_the_second_and_third_transition_series():
    assert alike((41, 42, 73, 74)).tolist() == [0, 1, 0, 1]  # Nb Mo Ta W
    assert [fewest(pair) for pair in [(40, 72), (47, 79)]] == [1, 1]  # Zr Hf, Ag Au
    assert [fewest(pair) for pair in [(12, 20), (22, 40), (29, 79), (57, 72)]] == [2, 2, 2, 2]
    assert fewest(()) == 0
    numbers = np.array([74, 41, 42, 73])
    assert species_of(numbers, (41, 42, 73, 74), 4).tolist() == [3, 0, 1, 2]
    assert species_of(numbers, (41, 42, 73, 74), 2).tolist() == [1, 0, 1, 0]
    assert species_of(np.array([44, 74]), (44, 74), 2).tolist() == [0, 1]


def test_what_is_alike_is_shared(correction, base):
    """Functions of both foretell frames left out better than those of each, where both err alike."""
    assert correction.shared == ["Pd and Pt"]
    assert len(correction.offsets) == 2
    test = wrong({"Pd", "Pt"})[3]
    (after,), (before,) = corrected(correction, [test], base), corrected(correction.zeroed(), [test], base)
    assert np.abs(after.forces - test.forces).mean() < 0.1 * np.abs(before.forces - test.forces).mean()


def test_shared_functions_conserve_energy(correction):
    atoms = crystal("Pd", 9)
    atoms.symbols[::3] = "Pt"
    atoms.calc = CorrectedCalculator(EMT(), correction)
    forces, energies = atoms.get_forces(), []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.calc = atoms.calc
        moved.positions[5, 1] += sign * 1e-4
        energies.append(moved.get_potential_energy())
    assert forces[5, 1] == pytest.approx((energies[1] - energies[0]) / 2e-4, abs=1e-6 * np.abs(forces).max())


def test_what_is_not_alike_is_not_shared(base):
    """Platinum is right as it is: what palladium lacks is not put into it."""
    result = fit(wrong({"Pd"})[:2], base, SETTINGS)
    assert result.correction.shared == []
    assert " and shared " in result.status


def test_what_functions_of_each_element_foretell_is_not_tried_again(base):
    assert "shared" not in fit(wrong({"Pd", "Pt"}), base, SETTINGS).status


@pytest.mark.parametrize(("frames", "alike"), [(1, True), (3, False)])
def test_nothing_is_shared_where_nothing_can_tell_or_it_is_not_wanted(base, frames, alike):
    settings = FitSettings.model_validate(SMALL | {"basis": SMALL["basis"] | {"alike": alike}})
    mixed = crystal("Pd", 0)
    mixed.symbols[::2] = "Pt"
    result = fit([labelled(mixed), *wrong({"Pd", "Pt"})[1:3]][:frames], base, settings)
    assert result.correction.shared == []
    assert "shared" not in result.status
