"""Peak memory of evaluating many small frames, base and corrected, or of a fit to them: a process for each count.

python calibration/benchmarks/stream.py --frames 100 --frames 10000
python calibration/benchmarks/stream.py --frames 100 --frames 1000 --fit
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
from ase.calculators.emt import EMT
from step_time import crystal, made_up

import softfix
from softfix.correct import corrected
from softfix.data.frames import Frame
from softfix.fitting import fit
from softfix.measure import measure

ATOMS = 8


def frames(count: int) -> list[Frame]:
    """Rattled Cu-Au crystals with made-up forces."""
    start, rng = crystal(2, ATOMS), np.random.default_rng(0)
    return [
        Frame(
            start.numbers, start.positions + rng.normal(scale=0.05, size=(len(start), 3)), start.cell.array, start.pbc,
            forces=rng.normal(size=(len(start), 3)),
        )
        for _ in range(count)
    ]  # fmt: skip


def one(count: int, fits: bool) -> None:
    """Evaluate, correct and measure, or fit; print the peak."""
    start = time.process_time()
    found, base = frames(count), softfix.load_base(EMT())
    if fits:
        fit(found, base)
    else:
        measure(found, corrected(made_up(2), found, base))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"frames": count, "peak_GiB": round(peak, 3), "cpu_s": round(time.process_time() - start, 1)}))


def main() -> None:
    """Run a process for every count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", action="append", type=int, help="how many; repeat (100 and 10000)")
    parser.add_argument("--fit", action="store_true", help="fit to the frames")
    parser.add_argument("--alone", action="store_true", help="in this process")
    chosen = parser.parse_args()
    counts = chosen.frames or [100, 10000]
    if chosen.alone:
        one(counts[0], chosen.fit)
        return
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--alone", "--frames", str(count), *(["--fit"] if chosen.fit else [])]
            subprocess.run(command, check=True, env=os.environ | {"SOFTFIX_CACHE": folder})


if __name__ == "__main__":
    main()
