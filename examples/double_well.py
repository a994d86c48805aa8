"""Fit a correction to a few frames of BaTiO3 and draw its double wells beside those of DFT and of the base.

    python examples/double_well.py chgnet examples/BaTiO3/train.extxyz examples/BaTiO3/test.extxyz out/wells.svg

Frames along the polar modes are known by their config_type, `phase:cubic;path:001;amp:0.50`. Those that were fitted are
filled, those that were held out are open.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np

import softfix
from softfix.correct import corrected
from softfix.data.frames import Frame
from softfix.evaluations import evaluate_base
from softfix.files import atomic_path

COLOURS = {"DFT": "#222222", "base": "#d1570a", "corrected": "#1f6feb"}
PLACE = re.compile(r"path:(\d+);amp:([\d.]+)")


def along(frames: list[Frame], direction: str) -> list[tuple[float, Frame]]:
    """Frames along one direction, the cubic cell at its start, by amplitude."""
    found = [(0.0, frame) for frame in frames if frame.config_type == "phase:cubic;strain:iso+0.00"]
    for frame in frames:
        place = PLACE.search(frame.config_type)
        if place and place[1] == direction and float(place[2]) <= 1.5:
            found.append((float(place[2]), frame))
    return sorted(found, key=lambda one: one[0])


def main() -> None:
    """Read the command line, fit, draw, print the depths."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", help="chgnet, matgl:<folder or name>, mace:<alias, file or folder>")
    parser.add_argument("train", type=Path, help="labelled frames to fit")
    parser.add_argument("test", type=Path, help="labelled frames that are held out")
    parser.add_argument("figure", type=Path, help="SVG to write")
    arguments = parser.parse_args()
    base = softfix.load_base(arguments.base)
    train, test = softfix.read_frames(arguments.train), softfix.read_frames(arguments.test)
    sharp = softfix.FitSettings.model_validate({"noise": {"energy": 3e-4}})  # eV/atom; wells are shallow
    correction = softfix.fit(train, base, sharp).correction
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True, layout="constrained")
    for axis, direction in zip(axes, ("001", "111"), strict=True):
        well = along([*train, *test], direction)
        places, frames = [place for place, _ in well], [frame for _, frame in well]
        energies = {
            "DFT": [frame.energy for frame in frames],
            "base": [evaluation.energy for evaluation in evaluate_base(base, frames)],
            "corrected": [evaluation.energy for evaluation in corrected(correction, frames, base)],
        }
        held = [any(frame is one for one in test) for frame in frames]
        for name, values in energies.items():
            depth = 1000.0 * (np.array(values) - values[0])
            axis.plot(places, depth, color=COLOURS[name], label=name)
            axis.scatter(
                places, depth, c=["white" if out else COLOURS[name] for out in held], ec=COLOURS[name], zorder=3
            )
            print(f"[{direction}] {name:10} lowest {depth.min():7.1f} meV per formula unit")
        axis.set(title=f"[{direction}]", xlabel="amplitude of the polar mode")
    axes[0].set_ylabel("energy, meV per formula unit")
    axes[1].legend(frameon=False)
    with atomic_path(arguments.figure) as temporary:
        figure.savefig(temporary, format="svg")


if __name__ == "__main__":
    main()
