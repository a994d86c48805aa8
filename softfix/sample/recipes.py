"""The table of recipes: which parts each is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from softfix.errors import SoftfixError
from softfix.sample.hot import snapshots
from softfix.sample.image import Image, Supply, image
from softfix.sample.modes import mode_paths
from softfix.sample.path import between, path
from softfix.sample.phonon import displaced
from softfix.sample.rattle import rattles
from softfix.sample.strain import strains


def high_energy(supply: Supply) -> Iterator[Image]:
    """Hot dynamics, rattles and strains.

    Source: Deng et al., npj Comput. Mater. 11, 9 (2025), doi:10.1038/s41524-024-01500-6 (1000 K).
    """
    yield from snapshots(supply, 0.6)
    yield from rattles(supply, 0.2)
    yield from strains(supply, 0.2)


def minimalist(supply: Supply) -> Iterator[Image]:
    """The known phases of one material, rattles and strains of them, and the paths between them."""
    for parent in supply.parents:
        yield image(parent, parent.atoms, kind="phase")
    yield from rattles(supply, 0.3)
    yield from strains(supply, 0.3)
    images = supply.settings.images
    for first, last in combinations(supply.parents, 2):
        if sorted(first.atoms.numbers) != sorted(last.atoms.numbers):
            supply.notes.append(f"No path between {first.name} and {last.name}: their cells hold different atoms.")
            continue
        yield from between(supply, first, last, images)
        if supply.calculator is not None and supply.settings.modes:
            yield from mode_paths(supply, first, last)
    if supply.calculator is None and len(supply.parents) > 1:
        supply.notes.append("Paths along symmetry modes need a potential (--base), and were left out.")


def strain(supply: Supply) -> Iterator[Image]:
    """Strains alone."""
    yield from strains(supply, 1.0)


RECIPES: dict[str, Callable[[Supply], Iterator[Image]]] = {
    "high-energy": high_energy,
    "minimalist": minimalist,
    "strain": strain,
    "phonon": displaced,
    "path": path,
}


def recipe_of(name: str) -> Callable[[Supply], Iterator[Image]]:
    """A recipe of the table.

    Raises:
        SoftfixError: for an unknown one.
    """
    if name not in RECIPES:
        raise SoftfixError(f"Recipe '{name}' is not known: give one of {', '.join(RECIPES)}.")
    return RECIPES[name]
