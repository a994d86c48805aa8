"""Results of single steps on disk as soon as they are there, so that a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from softfix.errors import SoftfixError


def digest(*parts: Any) -> str:
    """Short hash of whatever decides a step: texts, numbers, lists of them."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


class Steps:
    """Steps by key in a file of one JSON line each; a line that was cut off by a kill is dropped."""

    def __init__(self, path: Path):
        """Read what is there; nothing is written before the first new step."""
        self.path = path
        self.done: dict[str, Any] = {}
        self._end = 0  # bytes of whole lines
        if path.is_file():
            self._read(path.read_bytes().splitlines(keepends=True))

    def _read(self, lines: list[bytes]) -> None:
        for number, line in enumerate(lines, 1):
            try:
                step = json.loads(line)
                self.done[step["key"]] = step["value"]
            except (ValueError, KeyError, TypeError) as error:
                if number == len(lines):
                    return
                raise SoftfixError(f"{self.path}, line {number} is not a step of softfix properties.") from error
            self._end += len(line)

    def get(self, key: str, compute: Callable[[], Any]) -> Any:
        """Value of a step (whatever JSON holds), computed and kept if it is not there yet."""
        if key not in self.done:
            self._add(key, compute())
        return self.done[key]

    def _add(self, key: str, value: Any) -> None:
        line = json.dumps({"key": key, "value": value}).encode() + b"\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        with self.path.open("r+b") as stream:
            stream.truncate(self._end)
            stream.seek(self._end)
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        self._end += len(line)
        self.done[key] = json.loads(line)["value"]
