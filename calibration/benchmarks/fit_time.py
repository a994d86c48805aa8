"""Wall time of a fit from cached base evaluations, compilation included: each run is a process of its own.

python calibration/benchmarks/fit_time.py --frames 10 --runs 3
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from ase.build import bulk
from ase.calculators.emt import EMT

from softfix.data import write_frames
from softfix.data.labels import frame_of

BASE = "ase.calculators.emt:EMT"


def frames(count: int, repeat: int, species: int) -> list:
    """Rattled copper alloys of 16 repeat atoms with made-up labels."""
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (repeat, 2, 2)
        for number, symbol in enumerate(("Au", "Ag")[: species - 1], start=1):
            atoms.symbols[number::species] = symbol
        atoms.rattle(0.1, rng=rng)
        atoms.calc = EMT()
        atoms.get_forces()
        atoms.get_stress()
        atoms.calc.results["forces"] *= 1.2
        found.append(frame_of(atoms))
    return found


def main() -> None:
    """Fit once to fill the cache, then time further processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=4, help="16 atoms each")
    parser.add_argument("--species", type=int, default=2, choices=(1, 2, 3))
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.extxyz"
        write_frames(path, frames(arguments.frames, arguments.repeat, arguments.species))
        command = [sys.executable, "-m", "softfix", "fit", path, "--base", BASE, "-o", Path(folder) / "x.softfix"]
        environment = os.environ | {"SOFTFIX_CACHE": folder, "OMP_NUM_THREADS": "1"}
        seconds = []
        for _ in range(arguments.runs + 1):
            start = time.perf_counter()
            subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
    timed = seconds[1:]
    atoms = 16 * arguments.repeat
    print(
        f"fit of {arguments.frames} frames of {atoms} atoms, {arguments.species} species, cold process: "
        f"median {median(timed):.1f} s, {min(timed):.1f} to {max(timed):.1f} s over {len(timed)} runs"
    )


if __name__ == "__main__":
    main()
