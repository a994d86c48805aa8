"""Neighbour list of a structure, by vesin."""

from __future__ import annotations

import numpy as np
from vesin import NeighborList

from softfix.core.graph import Graph, Neighbours, bucket, table

SLACK = 1.15  # room for more bonds per atom than the first structure has, so that motion rarely asks for another shape


def neighbour_graph(
    species: np.ndarray, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray, cutoff: float
) -> Graph:
    """All bonds i -> j shorter than `cutoff` (Å), both directions, periodic images included; unpadded."""
    return Search(cutoff).graph(species, positions, cell, pbc)


class Search:
    """Neighbour lists of structures that come one after another, as in MD; their tables keep one shape while they can.

    With a skin, bonds are looked for anew only when an atom has moved by half of it.
    """

    def __init__(self, cutoff: float, skin: float = 0.0):
        """Search for bonds up to `cutoff` (Å), remembering those up to `skin` (Å) beyond."""
        self.cutoff, self.skin = cutoff, skin
        self.slots = 0
        self._vesin: NeighborList | None = None

    def graph(self, species: np.ndarray, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> Graph:
        """All bonds of one structure, sorted by their first atom; unpadded."""
        if self._vesin is None:
            self._vesin = NeighborList(cutoff=self.cutoff, full_list=True, sorted=True, skin=self.skin)
        source, target, r_ij = self._vesin.compute(
            points=np.asarray(positions, float),
            box=np.asarray(cell, float),
            periodic=np.asarray(pbc, bool),
            quantities="ijD",
        )
        return Graph(np.asarray(species), source.astype(np.int64), target.astype(np.int64), r_ij)

    def table(self, species: np.ndarray, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> Neighbours:
        """The same bonds in a table whose shape depends on the structures seen before."""
        graph = self.graph(species, positions, cell, pbc)
        most = int(np.bincount(graph.source).max(initial=0))
        if most > self.slots:
            self.slots = 8 * -int(-SLACK * most // 8)
        return table(graph, self.cutoff, bucket(len(species)), max(self.slots, 8))

    def __getstate__(self) -> dict:
        """Without vesin's own memory, which can be neither copied nor pickled."""
        return vars(self) | {"_vesin": None}
