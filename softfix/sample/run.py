"""From structures to the N frames that are worth a label."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from softfix.data.check import check_atoms, check_cell, check_distances
from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.errors import SoftfixError
from softfix.sample.image import Image, Parent, Supply
from softfix.sample.recipes import recipe_of
from softfix.sample.refuse import different, sound
from softfix.sample.settings import SampleSettings
from softfix.sample.supercell import repeated

if TYPE_CHECKING:
    from softfix.correction import Correction
    from softfix.settings import FitSettings


@dataclass(frozen=True)
class Sampled:
    """Frames that were chosen, without labels, and what else there was."""

    frames: list[Frame]  # best first
    pool: int  # candidates they were chosen from
    notes: list[str]  # what went otherwise than asked

    @property
    def status(self) -> str:
        """In a sentence."""
        return f"Chose {len(self.frames)} of {self.pool} candidates."


def sample(
    structures: Sequence[Frame], recipe: str, n: int, calculator: Callable[[], Any] | None = None, seed: int = 0,
    settings: SampleSettings | None = None, correction: Correction | None = None,
    fit_settings: FitSettings | None = None, track: Callable[[Iterable], Iterable] = iter,
) -> Sampled:  # fmt: skip
    """Make candidates by a recipe, refuse what is unphysical or a copy, and choose the n that tell most.

    Args:
        structures: phases of a material; labels that they have are not looked at.
        recipe: high-energy, minimalist, strain, phonon or path.
        n: how many frames; all candidates at most.
        calculator: gives an ASE calculator, for dynamics, symmetry modes and NEB.
        seed: of all random numbers; the same seed gives the same frames.
        settings: of the recipes.
        correction: what is known already, see `softfix.suggest`.
        fit_settings: of the fit to come, where there is no correction yet.
        track: wraps the candidates while they are compared, e.g. in a progress bar.

    Raises:
        SoftfixError: for an unknown recipe, structures that it cannot use, or if no candidate is left.

    Sources: hot and strained frames: Deng et al., npj Comput. Mater. 11, 9 (2025), doi:10.1038/s41524-024-01500-6.
    """
    from softfix.suggest import suggest

    settings, make = settings or SampleSettings(), recipe_of(recipe)
    supply = Supply(_parents(structures, settings), settings.pool * n, seed, settings, calculator)
    images, refused = sound(make(supply), settings)
    if refused:
        counts = ", ".join(f"{reason} {count}" for reason, count in refused.items())
        supply.notes.append(f"Candidates refused: {counts}.")
    if not images:
        raise SoftfixError(f"The recipe {recipe} left no candidate. {' '.join(supply.notes)}".strip())
    made = [_frame(image, recipe, seed, number) for number, image in enumerate(images, 1)]
    pool = different(made)
    if len(pool) < len(made):
        supply.notes.append(f"Candidates that are copies of others, up to symmetry: {len(made) - len(pool)}.")
    if len(pool) < n:
        supply.notes.append(f"There are but {len(pool)} different candidates for {n} frames.")
    chosen = suggest(pool, n, correction, fit_settings, track)
    return Sampled([one.frame for one in chosen], len(pool), supply.notes)


def _parents(structures: Sequence[Frame], settings: SampleSettings) -> list[Parent]:
    if not structures:
        raise SoftfixError("No structure is given: name at least one file.")
    for frame in structures:
        for check in (check_atoms, check_cell, check_distances):
            check(frame)
    return [
        Parent(frame.source, repeated(atoms_of(frame), frame.source, settings.min_atoms, settings.max_atoms))
        for frame in structures
    ]


def _frame(image: Image, recipe: str, seed: int, number: int) -> Frame:
    atoms = image.atoms
    return Frame(
        numbers=atoms.numbers.astype(np.int64),
        positions=np.array(atoms.positions, dtype=np.float64),
        cell=np.array(atoms.cell.array, dtype=np.float64),
        pbc=np.array(atoms.pbc),
        config_type=image.config_type,
        source=f"{recipe} of {image.parent}, candidate {number}",
        provenance={"recipe": recipe, "seed": str(seed), "parent": image.parent},
    )
