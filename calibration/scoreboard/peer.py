"""Peers as columns of the scoreboard: each runs in an environment of its own, frames in, predictions out."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from softfix.benchmark import METHODS, Method
from softfix.data import write_frames
from softfix.data.frames import Frame
from softfix.errors import SoftfixError
from softfix.evaluations import Evaluation
from softfix.rows import composition_offsets, counts_of

SCRIPTS = Path(__file__).parent / "peers"
SMALL_MACE = Path(__file__).parents[1] / "mace-small" / "mace-small.model"
ARGUMENTS = {"gap": (), "allegro": (), "franken": ("--base-model", str(SMALL_MACE))}


def methods(folder: Path | None) -> dict[str, Method]:
    """All columns: those that every user has, and the peers of a folder."""
    return METHODS | (peers(folder) if folder else {})


def peers(folder: Path) -> dict[str, Method]:
    """Columns of the peers that have an environment in a folder."""
    found = [name for name in ARGUMENTS if (folder / name / "bin" / "python").is_file()]
    return {name: Method(name, partial(predict, name, folder), partial(settings, name)) for name in found}


def settings(name: str, family: str) -> dict:
    """A peer's script holds its settings."""
    return {"script": hashlib.sha256((SCRIPTS / f"{name}.py").read_bytes()).hexdigest()}


def predict(
    name: str, folder: Path, train: Sequence[Frame], test: Sequence[Frame], base: object, seed: int
) -> list[Evaluation]:
    """Train a peer and let it predict; its energies are given with a zero per element taken off."""
    elements = tuple(sorted({int(z) for frame in train for z in frame.numbers}))
    counts = np.array([counts_of(frame.numbers, elements) for frame in train])
    offsets = composition_offsets(counts, np.array([frame.energy or 0.0 for frame in train]))
    shifted = [replace(f, energy=float((f.energy or 0.0) - n @ offsets)) for f, n in zip(train, counts, strict=True)]
    with tempfile.TemporaryDirectory() as scratch:
        paths = [Path(scratch) / file for file in ("train.extxyz", "test.extxyz", "predictions.npz")]
        write_frames(paths[0], shifted)
        write_frames(paths[1], test)
        command = [folder / name / "bin" / "python", SCRIPTS / f"{name}.py", *paths, *ARGUMENTS[name], "--seed", seed]
        run = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=os.environ, check=False)
        if run.returncode:
            raise SoftfixError(f"{name} stopped: {run.stderr.strip().splitlines()[-1] if run.stderr else 'no message'}")
        with np.load(paths[2]) as found:
            return [
                Evaluation(
                    float(found[f"energy_{i}"]) + float(counts_of(frame.numbers, elements) @ offsets),
                    found[f"forces_{i}"],
                    found.get(f"stress_{i}"),
                )
                for i, frame in enumerate(test)
            ]
