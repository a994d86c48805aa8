"""Energy of a 180-degree domain wall of PbTiO3 by GPAW, the base and a correction fitted to eight frames without walls.

    python calibration/properties/wall.py --base chgnet

`../data/PbTiO3-wall.extxyz` holds the polar phase and four cells of it with two walls, as `properties domain-wall`
made them (cells = 4) and as corrected CHGNet relaxed them, all labelled by GPAW: energies are of the same geometry.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import softfix
from softfix.correct import corrected
from softfix.data import read_frames
from softfix.evaluations import evaluate_base
from softfix.properties.domain_wall import MILLIJOULE

DATA = Path(__file__).parents[1] / "data"


def main(base: Annotated[str, typer.Option()] = "chgnet") -> None:
    """Fit, evaluate, print."""
    potential, frames = softfix.load_base(base), read_frames(DATA / "PbTiO3-wall.extxyz")
    correction = softfix.fit(read_frames(DATA / "PbTiO3-minimalist.extxyz"), potential).correction
    bulk, *walls = frames
    area = 2.0 * walls[0].volume / np.linalg.norm(walls[0].cell[0])
    cells = len(walls[0]) // len(bulk)
    energies = {
        "GPAW": [frame.energy for frame in frames],
        "base": [evaluation.energy for evaluation in evaluate_base(potential, frames)],
        "corrected": [evaluation.energy for evaluation in corrected(correction, frames, potential)],
    }
    for name, (one, *others) in energies.items():
        found = [MILLIJOULE * (other - cells * one) / area for other in others]
        print(f"{name:10} unrelaxed {found[0]:6.1f} mJ/m^2, relaxed {found[1]:6.1f} mJ/m^2")


if __name__ == "__main__":
    typer.run(main)
