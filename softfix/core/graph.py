"""Neighbour graph and its padded table. A padding bond is longer than any cutoff, so that it weighs exactly nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from softfix.core.arrays import Array

BUCKET_GROWTH = 1.25  # sizes of padded arrays grow by this factor, so that few shapes are ever compiled


class Graph(NamedTuple):
    """Directed edges i -> j of a periodic structure (both directions present)."""

    species: Int[Array, " atoms"]  # index into the correction's elements
    source: Int[Array, " edges"]  # i
    target: Int[Array, " edges"]  # j
    r_ij: Float[Array, "edges 3"]  # Å, from i to j


class Neighbours(NamedTuple):
    """The same bonds as a table: every atom's in one row, filled up with bonds that weigh nothing."""

    species: Int[Array, " atoms"]
    other: Int[Array, "atoms bonds"]  # j
    r_ij: Float[Array, "atoms bonds 3"]  # Å


def bucket(count: int, smallest: int = 16) -> int:
    """Next padded size: at least `count`, one of a geometric ladder."""
    size = smallest
    while size < count:
        size = int(size * BUCKET_GROWTH) + 1
    return size


def table(graph: Graph, cutoff: float, rows: int | None = None, slots: int | None = None) -> Neighbours:
    """The bonds of a graph, which must hold both directions of each, atom by atom: the one place where softfix pads.

    `rows` and `slots` (atoms, and bonds of each) are the next bucket sizes unless they are given. Padding atoms have
    species 0 and no bonds; padding bonds have length 2 cutoff, where every radial function and its slope vanish.
    """
    atoms = len(graph.species)
    source = np.asarray(graph.source)
    each = np.bincount(source, minlength=atoms)
    rows, slots = rows or bucket(atoms), slots or bucket(int(each.max(initial=0)))
    target, bonds = np.asarray(graph.target), np.asarray(graph.r_ij)
    if (np.diff(source) < 0).any():
        order = np.argsort(source, kind="stable")
        source, target, bonds = source[order], target[order], bonds[order]
    slot = np.arange(len(source)) + np.repeat(slots * np.arange(atoms) - (np.cumsum(each) - each), each)
    other = np.zeros((rows, slots), dtype=np.int64)
    r_ij = np.zeros((rows, slots, 3))
    r_ij[..., 0] = 2.0 * cutoff
    other.reshape(-1)[slot] = target
    r_ij.reshape(-1, 3)[slot] = bonds
    return Neighbours(np.pad(np.asarray(graph.species), (0, rows - atoms)), other, r_ij)
