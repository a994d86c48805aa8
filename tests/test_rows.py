"""Rows of the regression: what counts as a label."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

from softfix.errors import SoftfixError
from softfix.evaluations import evaluate_base
from softfix.fitting import fit
from softfix.settings import FitSettings
from tests.conftest import alloy, labelled

SMALL = FitSettings.model_validate(
    {"basis": {"pair_count": 8, "three_count": 2, "many_count": 3, "anchors": 16, "three_cutoff": 5.0}}
)


def strained():
    """A perfect crystal: its forces and its shears vanish by symmetry."""
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True)
    atoms.set_cell(atoms.cell.array * [1.0, 1.0, 1.02], scale_atoms=True)
    return labelled(atoms)


def test_labels_that_vanish_by_symmetry_count_as_none(soft_base):
    rattled = [labelled(alloy(seed, rattle=0.05)) for seed in range(3)]
    rows = fit([*rattled, strained()], soft_base, SMALL).correction.fit.rows
    assert rows["forces"] == 3 * sum(map(len, rattled))
    assert rows["stress"] == 6 * len(rattled) + 3
    assert rows["energy"] == len(rattled) + 1


def test_symmetric_frames_do_not_make_the_fit_believe_in_exact_labels(soft_base):
    """Labels of noise 0.05 eV/Å stay noisy, however many perfect crystals stand beside them."""
    rng, rattled = np.random.default_rng(0), [labelled(alloy(seed, rattle=0.05)) for seed in range(3)]
    noisy = [
        replace(frame, forces=base.forces + rng.normal(0.0, 0.05, base.forces.shape), energy=None, stress=None)
        for frame, base in zip(rattled, evaluate_base(soft_base, rattled), strict=True)
    ]
    alone = fit(noisy, soft_base, SMALL).correction.fit.noise["forces_eV_A"]
    crystals = [replace(strained(), energy=None, stress=None)] * 20
    beside = fit([*noisy, *crystals], soft_base, SMALL).correction.fit.noise["forces_eV_A"]
    assert beside == pytest.approx(alone, rel=0.2)
    assert beside > 0.03


def test_frames_of_which_all_labels_vanish_by_symmetry_are_told(soft_base):
    with pytest.raises(SoftfixError, match="vanish by symmetry"):
        fit([replace(strained(), energy=None, stress=None)], soft_base, SMALL)
