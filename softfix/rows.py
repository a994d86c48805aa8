"""From a labelled frame and its base evaluation to the rows of the linear model.

Columns: the softening scale c - 1, one composition offset per element, then the feature weights.
Rows: energy per atom (eV/atom), forces (eV/Å), stress (eV/Å^3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from softfix.core import design
from softfix.core.anchors import anchors_of
from softfix.core.basis import Basis
from softfix.core.design import design_rows
from softfix.core.gate import Gate
from softfix.core.graph import Neighbours, bucket, table
from softfix.core.invariants import features_of, spectra_of
from softfix.core.precision import in_float64
from softfix.core.robust import least_absolute, spread
from softfix.core.statistics import Labelled
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation
from softfix.neighbours import neighbour_graph
from softfix.species import species_of

VOIGT = ((0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1))  # xx yy zz yz xz xy


@dataclass(frozen=True, eq=False)
class Rows:
    """Design rows of one structure, for the columns above."""

    energy: np.ndarray  # (columns,) eV
    forces: np.ndarray  # (atoms, 3, columns) eV/Å
    stress: np.ndarray | None  # (6, columns) eV/Å^3; None without a volume

    @property
    def tension(self) -> np.ndarray:
        """(columns,) mean of the normal stresses in eV/Å^3, of a structure with a volume."""
        if self.stress is None:
            raise ValueError("A structure without a volume has no stress.")
        return self.stress[:3].mean(axis=0)


def columns(basis: Basis, elements: tuple[int, ...]) -> int:
    """Number of columns."""
    return 1 + len(elements) + basis.columns


COMPILING = 300_000  # bonds whose rows take about as long as compiling one more shape


class Shape(NamedTuple):
    """Padded size that structures share, so that JAX compiles for one."""

    rows: int | None = None  # atoms; the next bucket where None
    slots: int | None = None  # bonds of each


FEW = 5  # energies of which none can be told to be wild
UNSEEN = 1e-4  # size of a row of functions (of some 10 eV/Å, 1 eV/Å^3) that vanishes by symmetry, but for rounding
OWN = Shape()  # the next bucket sizes of each structure


def common_shape(basis: Basis, frames: Sequence[Frame]) -> Shape:
    """One shape for all structures, unless filling them up is more work than compiling for each size."""
    sizes = [_size(basis, frame) for frame in frames]
    rows, slots = (max(each) for each in zip(*sizes, strict=True))
    more = len(sizes) * rows * slots - sum(mine * its for mine, its in sizes)
    return Shape(rows, slots) if more <= COMPILING * (len(set(sizes)) - 1) else OWN


def _size(basis: Basis, frame: Frame) -> tuple[int, int]:
    """Padded numbers of atoms and of bonds of each."""
    graph = neighbour_graph(np.zeros(len(frame), int), frame.positions, frame.cell, frame.pbc, basis.cutoff)
    return bucket(len(frame)), bucket(int(np.bincount(graph.source, minlength=1).max()))


def counts_of(numbers: np.ndarray, elements: tuple[int, ...]) -> np.ndarray:
    """Number of atoms of each element."""
    return np.array([np.count_nonzero(numbers == z) for z in elements], dtype=np.float64)


@in_float64
def rows_of(
    basis: Basis, gates: tuple[Gate | None, ...], elements: tuple[int, ...], frame: Frame, base: Evaluation,
    reference: np.ndarray, shape: Shape = OWN,
) -> list[Rows]:  # fmt: skip
    """Rows of a frame for every gate; of a frame with a reference structure, the difference of both."""
    rows = _structure_rows(basis, gates, elements, frame, base, reference, shape)
    if frame.reference is None:
        return rows
    zero = Evaluation(0.0, np.zeros_like(base.forces), None)
    perfect = _structure_rows(basis, gates, elements, frame.reference, zero, np.zeros_like(reference), shape)
    return [
        Rows(mine.energy - its.energy, mine.forces - its.forces, mine.stress)
        for mine, its in zip(rows, perfect, strict=True)
    ]


def _structure_rows(
    basis: Basis, gates: tuple[Gate | None, ...], elements: tuple[int, ...], frame: Frame, base: Evaluation,
    reference: np.ndarray, shape: Shape,
) -> list[Rows]:  # fmt: skip
    counts = counts_of(frame.numbers, elements)
    scale = base.energy - counts @ reference
    found = design_rows(basis, gates, _near(basis, elements, frame, shape))
    return [_with_base(features, scale, counts, base, frame) for features in found]


def _with_base(features: design.Rows, scale: float, counts: np.ndarray, base: Evaluation, frame: Frame) -> Rows:
    """Feature columns behind those of the scale and of the composition offsets."""
    first = 1 + len(counts)
    energy = np.concatenate([[scale], counts, np.asarray(features.energy)])
    forces = np.zeros((len(frame), 3, len(energy)))
    forces[..., 0] = base.forces
    forces[..., first:] = np.asarray(features.forces)[: len(frame)]
    stress = None
    if frame.volume > 0.0:
        stress = np.zeros((6, len(energy)))
        stress[:, 0] = 0.0 if base.stress is None else base.stress
        stress[:, first:] = np.asarray(features.strain)[VOIGT] / frame.volume
    return Rows(energy, forces, stress)


@in_float64
def surroundings(
    basis: Basis, elements: tuple[int, ...], frame: Frame, shape: Shape = OWN
) -> tuple[np.ndarray, np.ndarray]:
    """phi_i and the species of every atom."""
    near = _near(basis, elements, frame, shape)
    return np.asarray(features_of(basis, near))[: len(frame)], np.asarray(near.species)[: len(frame)]


def _near(basis: Basis, elements: tuple[int, ...], frame: Frame, shape: Shape) -> Neighbours:
    species = species_of(frame.numbers, elements, basis.species)
    graph = neighbour_graph(species, frame.positions, frame.cell, frame.pbc, basis.cutoff)
    return table(graph, basis.cutoff, *shape)


ANCHORED = 100  # frames that anchors are looked for in, at most


@in_float64
def anchored(basis: Basis, elements: tuple[int, ...], frames: Sequence[Frame], count: int) -> Basis:
    """The basis with up to `count` surroundings of every species in the frames as anchors of its many-body terms."""
    if not count:
        return basis
    chosen = frames[:: -(-len(frames) // ANCHORED)]
    shape, found = common_shape(basis, chosen), []
    for frame in chosen:
        near = _near(basis, elements, frame, shape)
        found.append(tuple(np.asarray(each)[: len(frame)] for each in (spectra_of(basis, near), near.species)))
    p, species = (np.concatenate(each) for each in zip(*found, strict=True))
    return replace(basis, anchors=anchors_of([p[species == z] for z in range(basis.species)], count))


class Surroundings:
    """phi_i and species of the atoms of each frame, made anew whenever they are gone through: all take much memory."""

    def __init__(self, basis: Basis, elements: tuple[int, ...], frames: Sequence[Frame], shape: Shape = OWN):
        """What of; see `surroundings`."""
        self.basis, self.elements, self.frames, self.shape = basis, elements, frames, shape

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return (surroundings(self.basis, self.elements, frame, self.shape) for frame in self.frames)

    def shortest_bonds(self) -> np.ndarray:
        """Length in Å of the shortest bond (species, species) in all frames; inf for a pair without one."""
        shortest = np.full((self.basis.species,) * 2, np.inf)
        for frame in self.frames:
            species = self._species(frame)
            graph = neighbour_graph(species, frame.positions, frame.cell, frame.pbc, self.basis.pair_cutoff)
            np.minimum.at(shortest, (species[graph.source], species[graph.target]), np.linalg.norm(graph.r_ij, axis=1))
        return shortest

    def atoms(self) -> list[int]:
        """Number of atoms of each species in all frames."""
        counts = [np.bincount(self._species(frame), minlength=self.basis.species) for frame in self.frames]
        return np.sum(counts, axis=0).tolist()

    def _species(self, frame: Frame) -> np.ndarray:
        return species_of(frame.numbers, self.elements, self.basis.species)


def labelled_rows(
    rows: Rows, frame: Frame, base: Evaluation, offsets: np.ndarray, elements: tuple[int, ...],
    labels: frozenset[str], force_scale: float, stress_trust: float, wild: float = np.inf,
) -> dict[str, Labelled]:  # fmt: skip
    """Rows of one frame by kind of label: label minus base minus first offsets, each row weighted.

    The weight of a force falls as 1 / (1 + |F|^2 / force_scale^2): noise grows with the force. That of an energy falls
    where it differs from the base by more than `wild` (eV/atom), which others do not: it is a mistake. Where a stress
    label is missing, the base's stress is trusted to `stress_trust` (eV/Å^3): forces alone leave the correction's
    pressure undetermined, and nothing else would keep it small. Forces and stresses that vanish by symmetry, whatever
    the weights, are left out: they would count as labels explained without any noise.
    """
    atoms, first = len(frame), 1 + len(elements)
    parts: dict[str, Labelled] = {}
    if frame.forces is not None and "forces" in labels:
        weight = np.repeat(1.0 / (1.0 + np.sum(frame.forces**2, axis=1) / force_scale**2), 3)
        y = (frame.forces - base.forces).reshape(3 * atoms)
        parts["forces"] = _seen(Labelled(rows.forces.reshape(3 * atoms, -1), y, weight), first)
    if frame.energy is not None and "energy" in labels and frame.reference is None:
        shift = counts_of(frame.numbers, elements) @ offsets
        y = np.array([(frame.energy - base.energy - shift) / atoms])
        parts["energy"] = Labelled(rows.energy[None, :] / atoms, y, 1.0 / (1.0 + (y / wild) ** 4))
    if rows.stress is not None:
        if frame.stress is not None and base.stress is not None and "stress" in labels:
            parts["stress"] = _seen(Labelled(rows.stress, frame.stress - base.stress, np.ones(6)), first)
        else:
            parts["trust"] = Labelled(rows.stress, np.zeros(6), np.full(6, 1.0 / stress_trust**2))
    return parts


def _seen(rows: Labelled, first: int) -> Labelled:
    """Rows that some function, the columns from the first on, can change."""
    seen = np.linalg.norm(rows.X[:, first:], axis=1) > UNSEEN
    return Labelled(*(part[seen] for part in rows))


def composition_offsets(counts: np.ndarray, energies: np.ndarray) -> np.ndarray:
    """Energy per element that explains total energies best; the shortest such vector where it is not unique.

    Args:
        counts: (frames, elements) numbers of atoms.
        energies: (frames,) eV.
    """
    if len(energies) == 0:
        return np.zeros(counts.shape[1])
    atoms = counts.sum(axis=1)
    return np.linalg.lstsq(counts / atoms[:, None], energies / atoms, rcond=1e-8)[0]


def robust_offsets(counts: np.ndarray, energies: np.ndarray) -> tuple[np.ndarray, float]:
    """Energy per element as in `composition_offsets`, unmoved by a few wild ones, and the spread of the others.

    Returns:
        Offsets (elements,) in eV, and the standard deviation of what is left in eV/atom; inf for too few frames.
    """
    if len(energies) < FEW:
        return composition_offsets(counts, energies), np.inf
    atoms = counts.sum(axis=1)
    offsets = least_absolute(counts / atoms[:, None], energies / atoms)
    return offsets, spread((energies - counts @ offsets) / atoms)
