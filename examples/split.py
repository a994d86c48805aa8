"""Split a file of frames into train.extxyz and test.extxyz, by phase and without a look at the labels.

    python examples/split.py SOURCE.extxyz FOLDER --train 10

The rule reads nothing but each frame's config_type. Without its decimal numbers, the amplitudes, it names
the family of the frame: `phase:cubic;strain:iso-0.04` is one of `phase:cubic;strain:iso`. The frames of
each family are shuffled with a fixed seed; then the families are dealt from in turn, each at a pace
proportional to its size, until the training file is full, and the rest is the test file. So every family is
in the training file, as long as that has room for one of each, and larger families are in the test file
too. Frames are copied character by character, in the order of the source.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path


def blocks_of(text: str) -> list[str]:
    """The frames of an extended XYZ text: count line, comment line and atoms of each."""
    lines = text.splitlines(keepends=True)
    blocks, start = [], 0
    while start < len(lines) and lines[start].strip():
        stop = start + int(lines[start]) + 2
        blocks.append("".join(lines[start:stop]))
        start = stop
    return blocks


def family_of(block: str) -> str:
    """A frame's config_type without its amplitudes, such as `phase:cubic;strain:iso`."""
    found = re.search(r'config_type=("[^"]*"|\S+)', block.splitlines()[1])
    if found is None:
        raise SystemExit("A frame has no config_type: the split goes by it.")
    return re.sub(r"[+-]?\d+\.\d+", "", found[1].strip('"'))


def split(families: Sequence[str], train: int, seed: int = 0) -> tuple[list[int], list[int]]:
    """Indices of the training and of the test frames, from the family of each frame alone.

    >>> split(["a", "a", "a", "a", "b", "b"], train=3)
    ([0, 2, 4], [1, 3, 5])
    """
    shuffle = random.Random(seed).shuffle
    members: dict[str, list[int]] = defaultdict(list)
    for index, family in enumerate(families):
        members[family].append(index)
    turns = []
    for family in sorted(members):
        shuffle(members[family])
        turns += [(turn / len(members[family]), family, index) for turn, index in enumerate(members[family])]
    order = [index for _, _, index in sorted(turns)]
    return sorted(order[:train]), sorted(order[train:])


def main() -> None:
    """Read the command line, split, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, required=True, help="number of training frames")
    parser.add_argument("--seed", type=int, default=0, help="of the shuffle within each family")
    arguments = parser.parse_args()
    blocks = blocks_of(arguments.source.read_text(encoding="utf-8"))
    parts = split([family_of(block) for block in blocks], arguments.train, arguments.seed)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, indices in zip(("train", "test"), parts, strict=True):
        content = "".join(blocks[index] for index in indices)
        (arguments.folder / f"{name}.extxyz").write_text(content, encoding="utf-8")
        print(f"{name}: {len(indices)} frames")


if __name__ == "__main__":
    main()
