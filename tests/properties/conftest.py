"""Structures as `softfix properties` reads them."""

from softfix.data.labels import frame_of


def frames_of(*structures):
    """Frames of structures, with the labels that they carry."""
    return [frame_of(atoms, source=f"structure {number}") for number, atoms in enumerate(structures, 1)]
