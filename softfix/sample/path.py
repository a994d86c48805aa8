"""Images between two structures: a straight line in cell and fractional coordinates, or a nudged elastic band."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from ase import Atoms

from softfix.errors import SoftfixError
from softfix.sample.image import Image, Parent, Supply, image


def path(supply: Supply) -> Iterator[Image]:
    """Images between each structure and the next.

    Raises:
        SoftfixError: for fewer than two structures, or different compositions.
    """
    if len(supply.parents) < 2:
        raise SoftfixError("The recipe path needs two structures or more: name them in their order along the path.")
    for first, last in zip(supply.parents[:-1], supply.parents[1:], strict=True):
        yield from between(supply, first, last, max(supply.settings.images, supply.share()))


def between(supply: Supply, first: Parent, last: Parent, images: int) -> Iterator[Image]:
    """Images between two structures, the ends not among them."""
    ends = (first.atoms, mapped(last.atoms, first, last))
    line = straight(*ends, np.arange(1, images + 1) / (images + 1))
    if supply.settings.neb:
        line = _relaxed(supply, ends, line)
    parent = Parent(f"{first.name} -> {last.name}", first.atoms)
    for number, atoms in enumerate(line, 1):
        kind = "neb" if supply.settings.neb else "straight"
        yield image(parent, atoms, kind="path", line=kind, at=number / (images + 1))


def straight(first: Atoms, last: Atoms, shares: Sequence[float] | np.ndarray) -> list[Atoms]:
    """Atoms at shares of the way, interpolated in cell and fractional coordinates; 0 is the first, 1 the last."""
    found = []
    start, end = first.get_scaled_positions(wrap=False), last.get_scaled_positions(wrap=False)
    for share in shares:
        atoms = first.copy()
        atoms.set_cell((1 - share) * first.cell.array + share * last.cell.array)
        atoms.set_scaled_positions((1 - share) * start + share * end)
        found.append(atoms)
    return found


def mapped(atoms: Atoms, first: Parent, last: Parent) -> Atoms:
    """The last structure, each atom assigned to the nearest of its element in the first, over cell borders.

    A common shift is found by trying those that lay an atom of the rarest element on each of its kind in turn.

    Raises:
        SoftfixError: if the two hold different atoms.
    """
    start = first.atoms
    if sorted(start.numbers) != sorted(atoms.numbers):
        raise SoftfixError(
            f"{first.name} ({start.symbols.formula}) and {last.name} ({atoms.symbols.formula}) hold different atoms: "
            "give cells of one composition and size."
        )
    s, e = start.get_scaled_positions(), atoms.get_scaled_positions()
    metric = 0.5 * (start.cell.array + atoms.cell.array)
    rare = min(set(start.numbers), key=lambda z: (np.count_nonzero(start.numbers == z), z))
    anchor = e[atoms.numbers == rare][0]
    shifts = [np.zeros(3), *(place - anchor for place in s[start.numbers == rare])]
    best = min((_assigned(start, atoms, s, e + shift, metric) for shift in shifts), key=lambda found: found[0])
    _, order, fractional = best
    end = start.copy()
    end.set_cell(atoms.cell)
    moved = fractional[order] - s
    moved -= np.round(moved)
    end.set_scaled_positions(s + moved - moved.mean(axis=0))
    return end


def _assigned(
    start: Atoms, atoms: Atoms, s: np.ndarray, e: np.ndarray, metric: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Sum of squared distances of the best assignment, the atom for each place, and the fractional coordinates."""
    from scipy.optimize import linear_sum_assignment

    order, total = np.zeros(len(start), dtype=int), 0.0
    for z in set(start.numbers):
        here, there = np.flatnonzero(start.numbers == z), np.flatnonzero(atoms.numbers == z)
        d = e[there][None, :] - s[here][:, None]
        cost = np.sum(((d - np.round(d)) @ metric) ** 2, axis=-1)
        rows, columns = linear_sum_assignment(cost)
        order[here[rows]] = there[columns]
        total += float(cost[rows, columns].sum())
    return round(total, 9), order, e


def _relaxed(supply: Supply, ends: tuple[Atoms, Atoms], line: list[Atoms]) -> list[Atoms]:
    """The images relaxed by NEB with the potential; cells stay as interpolated."""
    from ase.mep import NEB
    from ase.optimize import FIRE

    calculator = supply.potential("path with neb")
    if not np.allclose(ends[0].cell.array, ends[1].cell.array, atol=1e-6):
        raise SoftfixError("NEB needs both structures in one cell: give them so, or leave neb out (a straight line).")
    images = [ends[0].copy(), *line, ends[1].copy()]
    for atoms in images:
        atoms.calc = calculator
    band = NEB(images, allow_shared_calculator=True, method="improvedtangent")
    if not FIRE(band, logfile=None).run(fmax=0.1, steps=supply.settings.neb_steps):
        supply.notes.append(f"The NEB did not converge in {supply.settings.neb_steps} steps; its images are taken.")
    for atoms in line:
        atoms.calc = None
    return line
