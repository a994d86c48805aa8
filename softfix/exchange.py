"""Frames in which atoms of one element became another's, by which the base is trusted between compositions.

Forces of some compositions say next to nothing of how energy and pressure change with the composition: mixing energies
and the pressure of others would be arbitrary. Elements whose share is the same in all frames are never exchanged:
nothing but that composition is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import NamedTuple

import numpy as np

from softfix.data.frames import Frame
from softfix.evaluations import Evaluation
from softfix.rows import counts_of

PER_PAIR = 3  # structures for every ordered pair of elements
SHARES = (1.0, 0.5)  # of an element's atoms that become the other's
ALIKE = 1e-6  # difference of shares of an element up to which they are the same


class Exchange(NamedTuple):
    """A frame whose elements are exchanged, with the base's evaluation."""

    frame: Frame
    base: Evaluation


def varied(frames: Sequence[Frame]) -> list[int]:
    """Elements whose share of the atoms differs between frames, rising."""
    elements = sorted({int(z) for frame in frames for z in frame.numbers})
    shares = np.array([counts_of(frame.numbers, tuple(elements)) / len(frame) for frame in frames])
    return [z for z, spread in zip(elements, np.ptp(shares, axis=0), strict=True) if spread > ALIKE]


def exchanged(frames: Sequence[Frame], most: int) -> list[Frame]:
    """Up to `most` frames without labels in which one element takes the places of another, always the same ones."""
    random = np.random.default_rng(0)
    elements = varied(frames)
    pairs = list(permutations(elements, 2))
    random.shuffle(pairs)
    holding = {z: [frame for frame in frames if z in frame.numbers] for z in elements}
    made = []
    for i in range(min(PER_PAIR * len(pairs), most)):
        gone, come = pairs[i % len(pairs)]
        share = SHARES[(i + i // len(pairs)) % len(SHARES)]
        source = holding[gone][random.integers(len(holding[gone]))]
        chosen = (source.numbers == gone) & (random.random(len(source)) < share)
        bare = source.unlabelled(f"{source.source}, elements exchanged")
        made.append(replace(bare, numbers=np.where(chosen, come, source.numbers)))
    return made
