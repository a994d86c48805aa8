"""Wall time of a fit from cached base evaluations: with everything to compile, in later processes, and once compiled.

python calibration/benchmarks/fit_time.py --frames 10 --runs 3
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from ase.build import bulk
from ase.calculators.emt import EMT

from softfix import fit, load_base
from softfix.data import write_frames
from softfix.data.labels import frame_of
from softfix.threads import cores

BASE = "ase.calculators.emt:EMT"
STIFFER = 1.2  # labels over base: of energies and stresses too, which would contradict the forces otherwise


def frames(count: int, repeat: int, species: int) -> list:
    """Rattled copper alloys of 16 repeat atoms, labelled as if the base were too soft by one factor."""
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (repeat, 2, 2)
        for number, symbol in enumerate(("Au", "Ag")[: species - 1], start=1):
            atoms.symbols[number::species] = symbol
        atoms.rattle(0.1, rng=rng)
        atoms.calc = EMT()
        atoms.get_stress()
        for label in ("energy", "free_energy", "forces", "stress"):
            atoms.calc.results[label] = STIFFER * atoms.calc.results[label]
        found.append(frame_of(atoms))
    return found


def main() -> None:
    """Fit once to fill the cache, then time further processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=4, help="16 atoms each")
    parser.add_argument("--species", type=int, default=2, choices=(1, 2, 3))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, help="one for each core by default")
    arguments = parser.parse_args()
    train = frames(arguments.frames, arguments.repeat, arguments.species)
    if arguments.threads:
        os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    first, *later = _in_processes(train, arguments.runs)
    atoms = 16 * arguments.repeat
    print(f"fit of {arguments.frames} frames of {atoms} atoms, {arguments.species} species, on {cores()} threads:")
    print(f"  whole process, nothing compiled before: {first:.1f} s")
    print(f"  whole process, compiled by an earlier one: {_said(later)}")
    print(f"  fit alone, compiled: {_said(_in_this_process(train, arguments.runs))}")


def _in_processes(train: list, runs: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.extxyz"
        write_frames(path, train)
        command = [sys.executable, "-m", "softfix", "fit", path, "--base", BASE, "-o", Path(folder) / "x.softfix"]
        environment = os.environ | {"SOFTFIX_CACHE": folder}
        run = partial(subprocess.run, command, check=True, env=environment, stdout=subprocess.DEVNULL)
        return [_seconds(run) for _ in range(1 + runs)]


def _in_this_process(train: list, runs: int) -> list[float]:
    base = load_base(BASE)
    fit(train, base)
    return [_seconds(lambda: fit(train, base)) for _ in range(runs)]


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _said(seconds: list[float]) -> str:
    return f"median {median(seconds):.1f} s, {min(seconds):.1f} to {max(seconds):.1f} s over {len(seconds)} runs"


if __name__ == "__main__":
    main()
