"""Files of one JSON object a line, that grow by whole lines whatever kills the process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from softfix.errors import SoftfixError

T = TypeVar("T")


class Lines:
    """A file of lines that are on disk once `add` has returned; what a kill or a full disk cut off is dropped."""

    def __init__(self, path: Path, kind: str = "a line of this file"):
        self.path, self.kind = path, kind
        self._torn: int | None = None  # where a half line begins, in bytes

    def read(self, parse: Callable[[bytes], T] = json.loads) -> list[T]:
        """Every line, parsed; none where the file is missing.

        Raises:
            SoftfixError: naming the line that `parse` refuses with ValueError, KeyError or TypeError.
        """
        found: list[T] = []
        lines = self.path.read_bytes().splitlines(keepends=True) if self.path.is_file() else []
        for number, line in enumerate(lines, 1):
            if number == len(lines) and _cut_off(line):
                self._torn = sum(map(len, lines[:-1]))
                break
            try:
                found.append(parse(line))
            except (ValueError, KeyError, TypeError) as error:
                raise SoftfixError(f"{self.path}, line {number} is not {self.kind}.") from error
        return found

    def add(self, line: str) -> None:
        """Write one JSON object at the end, in place of a half line if one is there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as stream:
            if self._torn is not None:
                stream.truncate(self._torn)
            self._torn = stream.seek(0, os.SEEK_END)
            stream.write(line.encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        self._torn = None


def _cut_off(line: bytes) -> bool:
    if not line.endswith(b"\n"):
        return True
    try:
        json.loads(line)
    except ValueError:
        return True
    return False
