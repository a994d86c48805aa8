"""Remoteness tells new surroundings from those of the fit, whatever their density."""

import numpy as np

from softfix.core.basis import Basis
from softfix.core.remoteness import ALIKE, known_of, remoteness
from softfix.problem import surroundings
from tests.conftest import alloy, labelled

BASIS = Basis(species=2, pair_cutoff=5.0, pair_count=6, three_cutoff=4.5, three_count=3, l_max=2)
ELEMENTS = (29, 79)


def seen(atoms):
    return surroundings(BASIS, ELEMENTS, labelled(atoms))


def test_atoms_of_the_fit_are_not_remote():
    phi, species = seen(alloy(0))
    assert np.all(remoteness(BASIS, known_of(BASIS, phi, species), phi, species) < 1e-3)


def test_like_frames_are_near_and_other_densities_far():
    known = known_of(BASIS, *(np.concatenate(part) for part in zip(*map(seen, map(alloy, range(4))), strict=True)))
    like, swollen = alloy(9), alloy(9)
    swollen.set_cell(swollen.cell * 1.2, scale_atoms=True)
    near, far = (remoteness(BASIS, known, *seen(atoms)) for atoms in (like, swollen))
    assert np.median(near) < 2.0 < 2.5 < np.median(far)


def test_remoteness_does_not_turn_with_the_structure():
    known = known_of(BASIS, *seen(alloy(0)))
    turned = alloy(3)
    turned.rotate(37.0, (1, 2, 3), rotate_cell=True)
    np.testing.assert_allclose(
        remoteness(BASIS, known, *seen(turned)), remoteness(BASIS, known, *seen(alloy(3))), rtol=1e-6
    )


def test_a_species_that_is_not_known_is_infinitely_far():
    phi, species = seen(alloy(0))
    known = known_of(BASIS, phi[species == 0], species[species == 0])
    assert known[1] is None
    assert np.isinf(remoteness(BASIS, known, phi, species)[species == 1]).all()


def test_spacing_is_the_distance_to_the_nearest_other_atom():
    phi, species = seen(alloy(1))
    (known, _) = known_of(BASIS, phi, species)
    for i, spectrum in enumerate(known.spectra):
        others = np.delete(known.spectra, i, axis=0)
        nearest = np.linalg.norm(others - spectrum, axis=1).min()
        np.testing.assert_allclose(known.spacing[i], max(nearest, ALIKE), rtol=1e-6)
