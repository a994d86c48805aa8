"""What the peers share: frames in, predictions out, and the time in between.

A peer is a function that fits an ASE calculator to frames. It runs in an environment of its own (`setup.sh`), so this
file needs ase and numpy alone, and nothing of softfix.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

    Fit = Callable[[list[Atoms], argparse.Namespace, Path], Calculator]


def run(description: str, fit: Fit, *options: tuple[str, dict]) -> None:
    """Read the command line and the frames, fit in a temporary folder, predict, write.

    Args:
        description: the docstring of the script.
        fit: takes the training frames, the command line and an empty folder; gives a calculator.
        options: further options of this peer, each a name and the keywords of `add_argument`.
    """
    arguments = command_line(description, options).parse_args()
    # a script here may bear the name of the package that it imports
    sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).parent]
    from ase.io import read

    train, test = (read(file, ":") for file in (arguments.train, arguments.test))
    refuse_unknown_elements(train, test)
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), cpu_seconds()
        calculator = fit(train, arguments, Path(folder))
        times = {"fit_seconds": time.perf_counter() - wall, "fit_cpu_seconds": cpu_seconds() - cpu}
        write(arguments.predictions, predict(calculator, test) | times)


def command_line(description: str, options: tuple) -> argparse.ArgumentParser:
    """The command line that all peers have, and the options of one."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("train", type=Path, help="frames with REF_energy, REF_forces and perhaps REF_stress")
    parser.add_argument("test", type=Path, help="frames to predict; their labels are not read")
    parser.add_argument("predictions", type=Path, help="NPZ file of energy_i, forces_i, stress_i for frame i of test")
    parser.add_argument("--seed", type=int, default=0)
    for name, keywords in options:
        parser.add_argument(name, **keywords)
    return parser


def refuse_unknown_elements(train: list[Atoms], test: list[Atoms]) -> None:
    """A potential made from scratch knows the elements of its training frames alone."""
    unknown = {s for atoms in test for s in atoms.symbols} - {s for atoms in train for s in atoms.symbols}
    if unknown:
        raise SystemExit(f"the training frames hold no {', '.join(sorted(unknown))}")


def labelled(atoms: Atoms) -> Atoms:
    """The frame with its labels where ase has them, as every peer reads them, and nothing else."""
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    found = {"energy": atoms.info["REF_energy"], "forces": atoms.arrays["REF_forces"]}
    if "REF_stress" in atoms.info:
        found["stress"] = atoms.info["REF_stress"]
    bare.calc = SinglePointCalculator(bare, **found)
    return bare


def predict(calculator: Calculator, frames: list[Atoms]) -> dict:
    """Energy (eV), forces (eV/Å) and, of crystals, stress (eV/Å^3, Voigt, tension positive) of every frame."""
    found = {}
    for i, atoms in enumerate(frames):
        atoms = atoms.copy()
        atoms.calc = calculator
        found |= {f"energy_{i}": atoms.get_potential_energy(), f"forces_{i}": atoms.get_forces()}
        if atoms.pbc.all() and "stress" in calculator.implemented_properties:
            found[f"stress_{i}"] = atoms.get_stress()
    return found


def write(file: Path, arrays: dict) -> None:
    """An NPZ file that is there whole or not at all."""
    import numpy as np

    temporary = file.with_name(f"{file.name}.{os.getpid()}.npz")
    np.savez(temporary, **arrays)
    temporary.replace(file)


def cpu_seconds() -> float:
    """CPU time of this process and of the children that have ended."""
    return sum(os.times()[:4])
