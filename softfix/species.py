"""Species that functions tell apart: the elements, or those of them that are not alike.

Elements of the second transition series and those below them, of the third, have the same size and valence: by the
lanthanide contraction, metallic radii of Zr and Hf, Nb and Ta, Mo and W are the same within 1 pm (Greenwood and
Earnshaw, Chemistry of the Elements, 1997). What frames teach of one may hold for the other.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

THIRD = range(72, 81)  # Hf to Hg
BELOW = 32  # atomic number of an element of the third series less that of the one above it


def alike(elements: tuple[int, ...]) -> Int[np.ndarray, " elements"]:
    """Species of every element (atomic number), were alike ones one."""
    above = [z - BELOW if z in THIRD else z for z in elements]
    return np.unique(above, return_inverse=True)[1]


def fewest(elements: tuple[int, ...]) -> int:
    """Number of species, were alike elements one."""
    return len(set(alike(elements).tolist()))


def species_of(numbers: Int[np.ndarray, " atoms"], elements: tuple[int, ...], count: int) -> Int[np.ndarray, " atoms"]:
    """Species of atoms by their atomic numbers; there are as many as elements, or fewer where alike ones are one.

    Args:
        numbers: atomic numbers.
        elements: atomic numbers that occur, rising.
        count: of species.
    """
    own = np.searchsorted(np.asarray(elements), numbers)
    return own if count == len(elements) else alike(elements)[own]
