"""Label the frames that have no label yet, keeping each on disk as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from softfix.data.frames import Frame
from softfix.data.write import write_frames
from softfix.errors import SoftfixError
from softfix.label.lock import locked
from softfix.label.plan import Plan, plan_for
from softfix.label.protocol import LabelProtocol
from softfix.label.store import Store, space_on, store_path
from softfix.label.workers import outcomes
from softfix.workers import Workers

SHARE = 0.02  # of the time that may go into writing the output anew after each label


@dataclass(frozen=True)
class Summary:
    """What came of a run."""

    output: Path
    labelled: list[Frame]  # all labels of the input, those of earlier runs included
    failed: list[tuple[Frame, str]]  # with the reason
    computed: int  # frames computed in this run, failures included
    notes: list[str]

    @property
    def status(self) -> str:
        """In a sentence."""
        counts = f"Labelled {len(self.labelled)} of {len(self.labelled) + len(self.failed)} frames"
        wrote = f" Wrote {self.output}." if self.labelled else ""
        return f"{counts}, {self.computed} computed now.{wrote}"

    @property
    def failure(self) -> str | None:
        """What failed and what to do, in a sentence; None where all is well."""
        if not self.failed:
            return None
        frame, reason = self.failed[0]
        count = f"{len(self.failed)} frames have" if len(self.failed) > 1 else "One frame has"
        first = f"first {frame.source}" if len(self.failed) > 1 else frame.source
        return f"{count} no label ({first}: {reason}); {store_path(self.output)} has the reasons, --retry tries again."


def label_frames(
    frames: Sequence[Frame], protocol: LabelProtocol, output: str | Path, workers: Workers | None = None,
    retry: bool = False, track: Callable[[Iterable], Iterable] = iter,
) -> Summary:  # fmt: skip
    """Label frames, go on where an earlier run stopped, and keep `output` (extended XYZ) whole at every moment.

    What was computed stands in `output`.jobs.jsonl by geometry and settings, on disk before the next frame begins:
    after a kill only the frames in flight are computed again. `output` holds the labelled frames of the input.

    Args:
        frames: structures in Å; labels that they have are not looked at.
        protocol: how to label them.
        output: file to write; made anew from the store in every run.
        workers: who computes; this process by default.
        retry: compute frames again that failed before.
        track: wraps the outcomes, e.g. in a progress bar.

    Raises:
        SoftfixError: if the calculator or one of its files is missing, another run writes the same output, the disk
            is full, or `output` is a file that this command did not make.
    """
    output, workers = Path(output), workers or Workers()
    protocol.check(frames)
    _see_that_output_is_ours(output)
    with locked(output):
        store = Store(store_path(output))
        plan = plan_for(frames, protocol, store, retry)
        tasks, notes = plan.todo, plan.notes
        writer = _Writer(output)
        try:
            for outcome in track(outcomes(workers, tasks)):
                store.add(outcome)
                plan.outcomes[outcome.frame] = outcome
                writer.write(plan)
        finally:  # also when a user interrupts
            writer.write(plan, at_once=True)
    return Summary(output, plan.labelled, plan.failed, len(tasks), notes)


class _Writer:
    """Writes the output anew, but spends little time on it: the store has everything at once anyway."""

    def __init__(self, output: Path):
        self.output = output
        self.next = 0.0

    def write(self, plan: Plan, at_once: bool = False) -> None:
        """Write what is labelled, unless that was done a moment ago."""
        start = time.monotonic()
        labelled = plan.labelled if at_once or start >= self.next else []
        if labelled:
            with space_on(self.output):
                write_frames(self.output, labelled)
            end = time.monotonic()
            self.next = end + (end - start) / SHARE


def _see_that_output_is_ours(output: Path) -> None:
    if output.exists() and not store_path(output).exists():
        raise SoftfixError(
            f"{output} exists and was not made by softfix label (there is no {store_path(output).name} beside it): "
            "give another --output, or move it away."
        )
    if not output.name.removesuffix(".gz").endswith((".extxyz", ".xyz")):
        raise SoftfixError(f"{output} should end in .extxyz, .xyz or either with .gz, so that it can be read again.")
