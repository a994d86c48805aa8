"""Systems of a benchmark: pairs of files NAME-train and NAME-test in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softfix.data import read_frames
from softfix.data.frames import Frame
from softfix.errors import SoftfixError


@dataclass(frozen=True)
class System:
    """Frames to draw from, and frames to measure on."""

    name: str
    train: Path
    test: Path

    def train_frames(self) -> list[Frame]:
        """Everything that draws are taken from."""
        return read_frames(self.train)

    def test_frames(self) -> list[Frame]:
        """What is measured on; never fitted."""
        return read_frames(self.test)


def find_systems(folder: Path, names: list[str] | None = None) -> list[System]:
    """Pairs NAME-train.* and NAME-test.* of a folder, by name.

    Raises:
        SoftfixError: if there are none, or one of `names` is not among them.
    """
    if not folder.is_dir():
        raise SoftfixError(f"{folder} is not a folder: give the one that holds NAME-train and NAME-test files.")
    found = {}
    for train in sorted(folder.glob("*-train.*")):
        name, _, suffix = train.name.partition("-train.")
        test = train.with_name(f"{name}-test.{suffix}")
        if test.is_file():
            found[name] = System(name, train, test)
    if not found:
        raise SoftfixError(f"{folder} holds no pair of files NAME-train.extxyz and NAME-test.extxyz.")
    if missing := sorted(set(names or []) - set(found)):
        raise SoftfixError(f"{folder} has no system {', '.join(missing)}; it has {', '.join(found)}.")
    return [found[name] for name in names or found]


def draw(frames: list[Frame], k: int, seed: int) -> list[Frame]:
    """The k frames of one random draw: the same for every method; smaller draws are the start of larger ones."""
    chosen = np.random.default_rng(seed).permutation(len(frames))[:k]
    return [frames[i] for i in chosen]
