"""Remoteness tells new surroundings from those of the fit, whatever their density."""

import numpy as np

import softfix.core.remoteness
from softfix.core.basis import Basis
from softfix.core.remoteness import ALIKE, fullness, known_of, remoteness
from softfix.rows import surroundings
from tests.conftest import alloy, labelled

BASIS = Basis(species=2, pair_cutoff=5.0, pair_count=6, three_cutoff=4.5, three_count=3, l_max=2)
ELEMENTS = (29, 79)


def seen(atoms):
    return surroundings(BASIS, ELEMENTS, labelled(atoms))


def known(*parts):
    return known_of(BASIS, parts, sum(np.bincount(species, minlength=2) for _, species in parts))


def test_atoms_of_the_fit_are_not_remote():
    phi, species = seen(alloy(0))
    assert np.all(remoteness(BASIS, known((phi, species)), phi, species) < 1e-3)


def test_like_frames_are_near_and_other_densities_far():
    fitted = known(*map(seen, map(alloy, range(4))))
    like, swollen = alloy(9), alloy(9)
    swollen.set_cell(swollen.cell * 1.2, scale_atoms=True)
    near, far = (remoteness(BASIS, fitted, *seen(atoms)) for atoms in (like, swollen))
    assert np.median(near) < 2.0 < 2.5 < np.median(far)


def test_remoteness_does_not_turn_with_the_structure():
    fitted = known(seen(alloy(0)))
    turned = alloy(3)
    turned.rotate(37.0, (1, 2, 3), rotate_cell=True)
    np.testing.assert_allclose(
        remoteness(BASIS, fitted, *seen(turned)), remoteness(BASIS, fitted, *seen(alloy(3))), rtol=1e-6
    )


def test_a_species_that_is_not_known_is_infinitely_far():
    phi, species = seen(alloy(0))
    copper = known((phi[species == 0], species[species == 0]))
    assert copper[1] is None
    assert np.isinf(remoteness(BASIS, copper, phi, species)[species == 1]).all()


def test_spacing_is_the_distance_to_the_nearest_other_atom():
    phi, species = seen(alloy(1))
    (copper, _) = known((phi, species))
    for i, spectrum in enumerate(copper.spectra):
        others = np.delete(copper.spectra, i, axis=0)
        nearest = np.linalg.norm(others - spectrum, axis=1).min()
        np.testing.assert_allclose(copper.spacing[i], max(nearest, ALIKE), rtol=1e-6)


def test_of_many_atoms_some_are_remembered_however_they_come(monkeypatch):
    monkeypatch.setattr(softfix.core.remoteness, "MOST", 40)
    parts = [seen(alloy(seed)) for seed in range(4)]
    whole = tuple(np.concatenate(part) for part in zip(*parts, strict=True))
    for one, other in zip(known(*parts), known(whole), strict=True):
        assert len(one.spectra) == 40
        np.testing.assert_array_equal(one.spectra, other.spectra)


def test_neighbours_are_missing_at_a_surface_and_not_in_an_expanded_crystal():
    fitted = known(*map(seen, map(alloy, range(4))))
    like, swollen, slab = (alloy(9) * (1, 1, 2) for _ in range(3))
    swollen.set_cell(swollen.cell * 1.1, scale_atoms=True)
    slab.center(vacuum=6.0, axis=2)
    height = slab.positions[:, 2] - slab.positions[:, 2].min()
    outer = (height < 1.0) | (height > height.max() - 1.0)
    inner = np.abs(height - 0.5 * height.max()) < 1.0
    whole, expanded, cut = (fullness(BASIS, fitted, *seen(atoms)) for atoms in (like, swollen, slab))
    assert whole.min() > 0.9
    assert expanded.max() == 1.0  # the fullest atom
    assert np.median(expanded) > 0.85
    assert cut[outer].max() < 0.85
    assert cut[inner].min() > 0.9


def test_of_a_species_that_is_not_known_all_neighbours_are_missing():
    phi, species = seen(alloy(0))
    copper = known((phi[species == 0], species[species == 0]))
    assert not fullness(BASIS, copper, phi, species)[species == 1].any()
