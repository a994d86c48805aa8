"""Programs that read a folder of input files and write their results into it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from softfix.errors import SoftfixError
from softfix.label.protocol import PlaneWaves, Unusable

if TYPE_CHECKING:
    from ase import Atoms

    from softfix.data.frames import Frame
    from softfix.evaluations import Evaluation

MOVED = 1e-3  # Å; programs print fewer digits than they were given


class Waiting(Exception):
    """The program has not written its results (yet), with what is missing as its text."""


class ProgramProtocol(PlaneWaves):
    """Writes inputs, runs a command, reads what it wrote; the last two also apart, for runs elsewhere."""

    indifferent: ClassVar[frozenset[str]] = PlaneWaves.indifferent | {"command"}
    where: ClassVar[str]  # how to get the program, for messages

    command: str = Field("", description="What runs the program in the folder of a frame.")

    def write(self, frame: Frame, folder: Path) -> None:
        """Write the inputs of one frame.

        Raises:
            SoftfixError: if a file that the program needs for an element is missing.
        """
        raise NotImplementedError

    def read(self, frame: Frame, folder: Path) -> Evaluation:
        """Free energy (eV), forces (eV/Å) and stress (eV/Å^3) of a frame whose inputs were written here.

        Raises:
            Waiting: if the program has not ended.
            Unusable: if it ended without numbers that may be used, or computed other atoms.
        """
        raise NotImplementedError

    def check_inputs(self, frames: Sequence[Frame]) -> None:
        """See to it that inputs can be written.

        Raises:
            SoftfixError: for a frame without a cell, or if a file for an element is missing.
        """
        for frame in frames:
            if not frame.pbc.all():
                raise SoftfixError(
                    f"{frame.source} is not periodic in three directions, as {self.name} wants it: put a molecule "
                    "into a cell with pbc='T T T'."
                )

    def check(self, frames: Sequence[Frame]) -> None:
        """See to it that inputs can be written and the command is there.

        Raises:
            SoftfixError: if something is missing.
        """
        self.check_inputs(frames)
        words = shlex.split(self.command)
        program = words[0] if words else self.name
        if not words or shutil.which(program) is None:
            raise SoftfixError(
                f"Calculator '{self.name}' needs the program {program}, which is not installed here: {self.where}, "
                "or set command in the --config file; softfix collect writes inputs for running it elsewhere."
            )

    def label(self, frame: Frame, folder: Path) -> Evaluation:
        """Write, run, read."""
        self.write(frame, folder)
        with (folder / "command.log").open("wb") as log:
            run = subprocess.run(shlex.split(self.command), cwd=folder, stdout=log, stderr=log, check=False)
        try:
            return self.read(frame, folder)
        except Waiting as error:
            raise Unusable(f"{error}; the command ended with status {run.returncode}") from error


def check_same(frame: Frame, found: Atoms) -> None:
    """The atoms of a result are those of the frame, in its order.

    Raises:
        Unusable: for other elements, another cell, or positions that differ by more than a translation of the lattice.
    """
    if len(found) != len(frame) or (found.numbers != frame.numbers).any():
        raise Unusable(f"the results are those of other atoms ({found.get_chemical_formula()})")
    shift = np.linalg.solve(frame.cell.T, (found.positions - frame.positions).T).T
    shift = (shift - np.round(shift)) @ frame.cell
    moved = max(float(np.abs(found.cell.array - frame.cell).max()), float(np.abs(shift).max()))
    if moved > MOVED:
        raise Unusable(
            f"the atoms or the cell of the results differ from the frame by {moved:.3f} Å (not a relaxation?)"
        )
