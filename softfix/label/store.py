"""Outcomes in a file of one JSON line each, safe against a kill at any moment."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from softfix.errors import SoftfixError
from softfix.label.outcome import Outcome


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
        self.outcomes: dict[tuple[str, str], Outcome] = {}
        self._end = 0  # bytes of whole lines
        if path.is_file():
            self._read(path.read_bytes())

    def _read(self, content: bytes) -> None:
        lines = content.splitlines(keepends=True)
        for number, line in enumerate(lines, 1):
            if number == len(lines) and _cut_off(line):
                return
            try:
                outcome = Outcome.model_validate_json(line)
            except ValidationError as error:
                raise SoftfixError(
                    f"{self.path}, line {number} is not an outcome of softfix label: mend it, or move the file away."
                ) from error
            self.outcomes[outcome.key] = outcome
            self._end += len(line)

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome, on disk before this returns; what a kill or a full disk left of a line is overwritten.

        Raises:
            SoftfixError: if the disk is full; the lines before stay whole.
        """
        line = outcome.model_dump_json().encode() + b"\n"
        with space_on(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
            with self.path.open("r+b") as stream:
                stream.truncate(self._end)
                stream.seek(self._end)
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
        self._end += len(line)
        self.outcomes[outcome.key] = outcome


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


def _cut_off(line: bytes) -> bool:
    if not line.endswith(b"\n"):
        return True
    try:
        json.loads(line)
    except ValueError:
        return True
    return False
