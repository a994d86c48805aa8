"""Frames per second of a base, one by one and in batches, on small frames.

python calibration/benchmarks/batches.py --base chgnet --base matgl:FOLDER --base mace:FILE

CPU time, with one thread where OMP_NUM_THREADS=1; both ways in turn, on rattled cells of HfO2 with 12 atoms.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import softfix
from softfix.bases.sites import SiteBase, in_batches
from softfix.errors import SoftfixError
from softfix.evaluations import atoms_of

EXAMPLES = Path(__file__).parents[2] / "examples" / "HfO2" / "train.extxyz"
SIZES = (4, 16)


def structures(count: int) -> list:
    """Rattled cells of the example."""
    found = [atoms_of(frame) for frame in softfix.read_frames(EXAMPLES) if len(frame) == 12]
    chosen = [found[i % len(found)].copy() for i in range(count)]
    for seed, atoms in enumerate(chosen):
        atoms.rattle(0.05, seed=seed)
    return chosen


def measure(spec: str, count: int, repeats: int) -> None:
    """Print the frames per second of one base, alone and in batches of some sizes."""
    base = softfix.load_base(spec)
    if not in_batches(base):
        raise SoftfixError(f"Base '{spec}' is not evaluated in batches.")
    calculator, frames = base.calculator(), structures(count)
    ways: dict[str, Callable[[], object]] = {
        "alone": lambda: _alone(base, calculator, frames),
        **{
            f"{size} at once": lambda size=size: [
                base.batch(calculator, frames[i : i + size]) for i in range(0, count, size)
            ]
            for size in SIZES
        },
    }
    times = {name: [] for name in ways}
    for repeat in range(repeats + 1):
        for name, way in ways.items():
            start = time.process_time()
            way()
            if repeat:  # the first of each warms up
                times[name].append(time.process_time() - start)
    rates = {name: count / float(np.median(spent)) for name, spent in times.items()}
    against = "".join(f", {name} {rate:.1f} ({rate / rates['alone']:.2f} times)" for name, rate in rates.items())
    print(f"{base.identity.family}, frames of 12 atoms per second of CPU time{against.replace(' (1.00 times)', '', 1)}")


def _alone(base: SiteBase, calculator, frames: Sequence) -> None:
    for atoms in frames:
        base.sites(calculator, atoms, np.ones(len(atoms)))


def main() -> None:
    """Measure every base."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", action="append", required=True, help="potential; repeat")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--repeat", type=int, default=5)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", message="Converting a tensor")  # chgnet under newer torch, in every prediction
    for spec in chosen.base:
        measure(spec, chosen.frames, chosen.repeat)


if __name__ == "__main__":
    main()
