"""Results of single steps on disk as soon as they are there, so that a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from softfix.lines import Lines


def digest(*parts: Any) -> str:
    """Short hash of whatever decides a step: texts, numbers, lists of them."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


class Steps:
    """Steps by key in a file of one JSON line each; a line that was cut off by a kill is dropped."""

    def __init__(self, path: Path):
        """Read what is there; nothing is written before the first new step."""
        self._lines = Lines(path, "a step of softfix properties")
        self.done: dict[str, Any] = dict(self._lines.read(_step))

    def get(self, key: str, compute: Callable[[], Any]) -> Any:
        """Value of a step (whatever JSON holds), computed and kept if it is not there yet."""
        if key not in self.done:
            line = json.dumps({"key": key, "value": compute()})
            self._lines.add(line)
            self.done[key] = json.loads(line)["value"]
        return self.done[key]


def _step(line: bytes) -> tuple[str, Any]:
    step = json.loads(line)
    return step["key"], step["value"]
