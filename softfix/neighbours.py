"""Neighbour list of a structure, by vesin."""

from __future__ import annotations

import numpy as np
from vesin import NeighborList

from softfix.core.graph import Graph


def neighbour_graph(
    species: np.ndarray, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray, cutoff: float
) -> Graph:
    """All bonds i -> j shorter than `cutoff` (Å), both directions, periodic images included; unpadded."""
    search = NeighborList(cutoff=cutoff, full_list=True)
    source, target, r_ij = search.compute(
        points=np.asarray(positions, float),
        box=np.asarray(cell, float),
        periodic=np.asarray(pbc, bool),
        quantities="ijD",
    )
    return Graph(np.asarray(species), source.astype(np.int64), target.astype(np.int64), r_ij)
