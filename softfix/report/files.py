"""What a report writes: numbers, a page, a card."""

from __future__ import annotations

from pathlib import Path

from softfix.files import atomic_path
from softfix.report.card import card
from softfix.report.numbers import Numbers, dump
from softfix.report.page import page


def write(numbers: Numbers, html: Path | None = None, json: Path | None = None, markdown: Path | None = None) -> None:
    """Write the page, the JSON and the Markdown card that are asked for, each atomically."""
    for path, make in ((html, page), (json, dump), (markdown, card)):
        if path is not None:
            with atomic_path(path) as temporary:
                temporary.write_text(make(numbers), encoding="utf-8")
