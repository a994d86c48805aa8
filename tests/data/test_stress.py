"""Stress in six numbers."""

import numpy as np
import pytest
from ase.stress import voigt_6_to_full_3x3_stress

from softfix.data.stress import ASYMMETRY, voigt_stress
from softfix.errors import SoftfixError

SIX = np.array([0.1, 0.2, 0.3, 0.04, 0.05, 0.06])


@pytest.mark.parametrize("shape", [(3, 3), (9,)])
def test_nine_numbers_become_the_six_of_ase(shape):
    assert np.array_equal(voigt_stress(voigt_6_to_full_3x3_stress(SIX).reshape(shape), "here"), SIX)


def test_six_numbers_stay_as_they_are():
    assert np.array_equal(voigt_stress(SIX, "here"), SIX)


def test_rounding_is_averaged_so_that_rows_and_columns_give_the_same():
    tensor = voigt_6_to_full_3x3_stress(SIX)
    tensor[0, 1] += ASYMMETRY / 2
    assert np.array_equal(voigt_stress(tensor, "here"), voigt_stress(tensor.T, "here"))
    assert voigt_stress(tensor, "here")[5] == pytest.approx(0.06 + ASYMMETRY / 4)


def test_asymmetric_tensor_is_refused_with_its_largest_asymmetry():
    tensor = voigt_6_to_full_3x3_stress(SIX)
    tensor[1, 2] += 0.0123
    with pytest.raises(SoftfixError, match=r"here is not symmetric \(its largest asymmetry is 0.0123 eV/Å\^3\)"):
        voigt_stress(tensor, "here")
