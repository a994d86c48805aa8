"""Stress of a frame as six Voigt numbers, whatever form the source gives it."""

from __future__ import annotations

import numpy as np

from softfix.errors import SoftfixError

ASYMMETRY = 1e-4  # eV/Å^3 (16 MPa): above what rounding in files does


def voigt_stress(values: np.ndarray, where: str) -> np.ndarray:
    """Six Voigt numbers xx yy zz yz xz xy (eV/Å^3) out of 6, 9 or 3x3 numbers in the same unit.

    A symmetric tensor reads the same by rows and by columns, so the order of the nine does not matter.

    Raises:
        SoftfixError: for another count of numbers, or a tensor whose asymmetry exceeds `ASYMMETRY`.

    >>> voigt_stress(np.array([[1, 6, 5], [6, 2, 4], [5, 4, 3]]), "here").tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    """
    if values.size == 6:
        return values.reshape(6).astype(np.float64)
    if values.size != 9:
        raise SoftfixError(
            f"{where} has {values.size} number{'s' * (values.size != 1)}: "
            "give 6 in Voigt order xx yy zz yz xz xy, or 9 (3x3)."
        )
    tensor = values.reshape(3, 3).astype(np.float64)
    asymmetry = float(np.abs(tensor - tensor.T).max())
    if asymmetry > ASYMMETRY:
        raise SoftfixError(
            f"{where} is not symmetric (its largest asymmetry is {asymmetry:.3g} eV/Å^3): "
            "check the order of its 9 numbers, or give 6 in Voigt order xx yy zz yz xz xy."
        )
    symmetric = (tensor + tensor.T) / 2
    return symmetric[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]


def stress_of_virials(values: np.ndarray, volume: float, where: str) -> np.ndarray:
    """Stress -virials / volume in eV/Å^3, in the shape given, with virials -dE/dstrain in eV, volume in Å^3.

    Raises:
        SoftfixError: if there is no volume.
    """
    if volume < 1e-6:
        raise SoftfixError(
            f"{where} needs a cell with a volume to become a stress, and this frame's is {volume:.3g} Å^3: "
            "give the lattice or take the virials out."
        )
    return -values / volume
