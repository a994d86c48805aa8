"""Results of `softfix properties`: folders with a result.json, and figures beside it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from softfix.errors import SoftfixError
from softfix.report.numbers import Picture, Property, PropertyRow
from softfix.report.quantity import Quantity, quantity

COLUMNS = ("base", "corrected", "reference")
LARGEST = 1_000_000  # characters of a figure that is taken along


def read_properties(folder: str | Path) -> list[Property]:
    """Every result.json in a folder and the folders in it, in order of their paths.

    It holds a `title` or `name`, `notes`, and rows under any keys: an object with a number (or an object with `value`
    and `unit`) under `base`, `corrected` or `reference` is a row, named by its `quantity` or `name`, or by its keys.

    Raises:
        SoftfixError: if the folder is missing or holds no result, or one is not JSON or a figure too large.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SoftfixError(f"{folder} is not a folder: give the one that softfix properties wrote.")
    files = sorted(folder.rglob("result.json"))
    if not files:
        raise SoftfixError(f"{folder} holds no result.json: give the folder that softfix properties wrote.")
    return [_read(file) for file in files]


def _read(file: Path) -> Property:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SoftfixError(f"{file} is not JSON ({error}): make it anew or take its folder out.") from error
    if not isinstance(content, dict):
        raise SoftfixError(f"{file} is not a JSON object: make it anew or take its folder out.")
    pictures = [_picture(path) for path in sorted(file.parent.glob("*.svg"))]
    notes = content.get("notes")
    return Property(
        name=str(content.get("title") or content.get("name") or file.parent.name),
        notes=[str(note) for note in notes] if isinstance(notes, list) else [],
        rows=list(_rows(content, [])),
        pictures=pictures,
    )


def _picture(path: Path) -> Picture:
    text = path.read_text(encoding="utf-8")
    if len(text) > LARGEST:
        raise SoftfixError(f"{path} has {len(text)} characters, more than {LARGEST}: draw it with fewer points.")
    return Picture(name=path.stem, svg=text)


def _rows(node: Any, keys: list[str]):
    """Every row below a node of the JSON."""
    if isinstance(node, list):
        for k, entry in enumerate(node, 1):
            yield from _rows(entry, [*keys, str(k)])
    elif isinstance(node, dict):
        values = {name: _value(node.get(name), node.get("unit")) for name in COLUMNS}
        if any(values.values()):
            yield PropertyRow(name=str(node.get("quantity") or node.get("name") or " ".join(keys)), **values)
            return
        for key, entry in node.items():
            yield from _rows(entry, [*keys, key])


def _value(entry: Any, unit: Any) -> Quantity | None:
    if isinstance(entry, dict):
        entry, unit = entry.get("value"), entry.get("unit", unit)
    if isinstance(entry, bool) or not isinstance(entry, int | float) or not math.isfinite(entry):
        return None
    return quantity(float(entry), str(unit or ""))
