"""What came of one frame: a label, or the reason why there is none."""

from __future__ import annotations

import errno
import platform
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from softfix.data.frames import Frame
from softfix.data.reason import reason_of
from softfix.errors import SoftfixError
from softfix.label.protocol import LabelProtocol, Unusable, usable

if TYPE_CHECKING:
    from softfix.evaluations import Evaluation

ONE_AT_A_TIME = threading.Lock()  # DFT codes are not made for threads, and a foreign worker may have several
UNCONVERGED = {"KohnShamConvergenceError", "ConvergenceError", "SCFError"}  # what calculators call their exceptions


class Outcome(BaseModel):
    """One line of the store; `reason` is None for a label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: str  # content hash of the geometry
    protocol: str  # digest
    level: str
    source: str  # where the frame stood, for messages
    config_type: str
    atoms: int
    host: str
    wall_s: float
    reason: str | None = None
    energy: float | None = None  # eV, free
    forces: list[list[float]] | None = None  # (atoms, 3) eV/Å
    stress: list[float] | None = None  # (6,) eV/Å^3, Voigt xx yy zz yz xz xy, tension positive

    @property
    def key(self) -> tuple[str, str]:
        """What decides the numbers: geometry and protocol."""
        return self.frame, self.protocol

    def on(self, frame: Frame) -> Frame:
        """The frame with this label."""
        assert self.reason is None
        return replace(
            frame,
            energy=self.energy,
            forces=np.array(self.forces, dtype=np.float64),
            stress=None if self.stress is None else np.array(self.stress),
            level=self.level,
            labels_from="REF_energy, REF_forces" + ("" if self.stress is None else ", REF_stress"),
        )


@dataclass(frozen=True)
class Task:
    """One frame to label; digest and level are those of the process that asks."""

    protocol: LabelProtocol
    digest: str
    level: str
    frame: Frame

    def outcome(self, evaluation: Evaluation | None, reason: str | None = None, wall_s: float = 0.0) -> Outcome:
        """Line of the store for a label, or for a reason why there is none."""
        stress = None if evaluation is None else evaluation.stress
        return Outcome(
            frame=self.frame.content_hash,
            protocol=self.digest,
            level=self.level,
            source=self.frame.source,
            config_type=self.frame.config_type,
            atoms=len(self.frame),
            host=platform.node(),
            wall_s=wall_s,
            reason=reason,
            energy=None if evaluation is None else float(evaluation.energy),
            forces=None if evaluation is None else evaluation.forces.tolist(),
            stress=None if stress is None else stress.tolist(),
        )


def label_one(task: Task) -> Outcome:
    """Label one frame in a folder of its own that is removed afterwards; a failure is an outcome too.

    Raises:
        SoftfixError: if the disk is full: the next frame would fail in the same way.
    """
    with ONE_AT_A_TIME:
        start = time.perf_counter()
        evaluation, reason = None, None
        try:
            evaluation = _evaluate(task)
        except Unusable as error:
            reason = str(error)
        except Exception as error:  # whatever a calculator raises is the end of this frame, not of the run
            _stop_if_disk_is_full(error)
            said = reason_of(error)
            reason = f"SCF not converged ({said})" if _unconverged(error) else f"the calculator failed ({said})"
        return task.outcome(evaluation, reason, time.perf_counter() - start)


def _evaluate(task: Task) -> Evaluation:
    if task.protocol.digest != task.digest:
        raise Unusable(f"{platform.node()} has another version of the calculator than the process that asks")
    with tempfile.TemporaryDirectory(prefix="softfix-label-", ignore_cleanup_errors=True) as folder:
        return usable(task.protocol.label(task.frame, Path(folder)), task.protocol.max_force)


def _unconverged(error: Exception) -> bool:
    return any(kind.__name__ in UNCONVERGED for kind in type(error).__mro__)


def _stop_if_disk_is_full(error: Exception) -> None:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        raise SoftfixError(
            f"No space is left in {tempfile.gettempdir()}, where the calculator works: free some or set TMPDIR, "
            "and run the same command again."
        ) from error
