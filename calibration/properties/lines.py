"""Measured lines in a file of one JSON object each, so that a run that was stopped goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_lines(path: Path) -> list[dict[str, Any]]:
    """What was measured; a last line that a kill cut off is dropped."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    if lines and not lines[-1].endswith("\n"):
        path.write_text("".join(lines := lines[:-1]), encoding="utf-8")
    return [json.loads(line) for line in lines]


def add_line(path: Path, line: dict[str, Any]) -> None:
    """Keep a measured line."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
