"""What a run would cost, before it begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softfix.data.frames import Frame
from softfix.label.plan import plan_for
from softfix.label.protocol import LabelProtocol
from softfix.label.store import Store, store_path

POWERS = (2.0, 3.0)  # wall time grows with a power of the number of atoms between these


@dataclass(frozen=True)
class Group:
    """Frames that cost about the same."""

    formula: str
    atoms: int
    electrons: float | None
    kpoints: tuple[int, int, int] | None
    frames: int


@dataclass(frozen=True)
class Estimate:
    """Frames to do, and the time that they will take."""

    todo: int
    done: int
    failed: int
    groups: list[Group]
    seconds: tuple[float, float] | None  # least and most; None where nothing was labelled yet
    notes: list[str]

    @property
    def status(self) -> str:
        """In sentences."""
        time = "unknown until the first frame is done"
        if self.todo == 0:
            time = "none"
        elif self.seconds is not None:
            time = f"about {duration(self.seconds[0])} to {duration(self.seconds[1])}"
        counts = f"{self.todo} frames to label, {self.done} labelled before, {self.failed} failed before."
        return " ".join([counts, f"Time left: {time}.", *self.notes])


def estimate(
    frames: Sequence[Frame], protocol: LabelProtocol, output: str | Path, workers: int = 1, retry: bool = False
) -> Estimate:
    """Cost of labelling the frames that have no label yet; nothing is written.

    The time is that of the frames labelled before with the same settings, times (atoms ratio)^2 to ^3, over workers.

    Args:
        frames: structures.
        protocol: how to label them.
        output: where the results would be; what is there already is counted.
        workers: processes that would share the work.
        retry: whether frames that failed before are counted as to do.

    Raises:
        SoftfixError: if the calculator or one of its files is missing.
    """
    protocol.check(frames)
    plan = plan_for(frames, protocol, Store(store_path(Path(output))), retry)
    todo = [task.frame for task in plan.todo]
    known = [(outcome.atoms, outcome.wall_s) for outcome in plan.outcomes.values() if outcome.reason is None]
    seconds = _seconds([len(frame) for frame in todo], known, workers) if known else None
    return Estimate(len(todo), len(plan.labelled), len(plan.failed), _groups(todo, protocol), seconds, plan.notes)


def duration(seconds: float) -> str:
    """Time as people say it.

    >>> duration(40), duration(600), duration(9000)
    ('40 s', '10 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _seconds(todo: list[int], known: list[tuple[int, float]], workers: int) -> tuple[float, float]:
    atoms, wall = np.array(known, dtype=float).T
    times = [
        float(np.mean(wall / atoms**power) * np.sum(np.array(todo, dtype=float) ** power) / workers) for power in POWERS
    ]
    return min(times), max(times)


def _groups(frames: list[Frame], protocol: LabelProtocol) -> list[Group]:
    from softfix.data.labels import atoms_of

    counts = Counter(
        (atoms_of(frame).get_chemical_formula(), len(frame), protocol.electrons(frame), protocol.kpoints(frame))
        for frame in frames
    )
    return [Group(*what, count) for what, count in counts.items()]
