"""Outcomes in a file of one JSON line each, safe against a kill at any moment."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from softfix.data.frames import Frame
from softfix.errors import SoftfixError
from softfix.label.outcome import Outcome, Task, label_one
from softfix.label.protocol import LabelProtocol
from softfix.lines import Lines


def store_path(output: Path) -> Path:
    """Where the outcomes of an output stand: beside it.

    >>> store_path(Path("labelled.extxyz")).name
    'labelled.extxyz.jobs.jsonl'
    """
    return output.with_name(output.name + ".jobs.jsonl")


class Store:
    """Outcomes by geometry and protocol; a later line replaces an earlier one, a line cut off by a kill is dropped."""

    def __init__(self, path: Path):
        """Read what is there; nothing is written before the first `add`."""
        self.path = path
        self._lines = Lines(path, "an outcome of softfix label: mend it, or move the file away")
        read = self._lines.read(Outcome.model_validate_json)
        self.outcomes = {outcome.key: outcome for outcome in read}

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome, on disk before this returns; what a kill or a full disk left of a line is overwritten.

        Raises:
            SoftfixError: if the disk is full; the lines before stay whole.
        """
        with space_on(self.path):
            self._lines.add(outcome.model_dump_json())
        self.outcomes[outcome.key] = outcome

    def labelled(self, protocol: LabelProtocol, frame: Frame) -> Outcome:
        """The outcome of a frame where there is one, else by the protocol, and kept at once."""
        digest = protocol.digest
        stored = self.outcomes.get((frame.content_hash, digest))
        if stored is None:
            stored = label_one(Task(protocol, digest, protocol.level, frame))
            self.add(stored)
        return stored


@contextmanager
def space_on(path: Path) -> Iterator[None]:
    """Turn a full disk into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise SoftfixError(
            f"No space is left for {path}: free some and run the same command again; what was labelled before is kept."
        ) from error
