"""How numbers get onto a page: only those of the tree, each with the path that leads to it."""

from __future__ import annotations

from html import escape
from typing import Any

from pydantic import BaseModel

from softfix.doctor.finding import Value
from softfix.report.numbers import Numbers
from softfix.report.quantity import Quantity, shown, unit_of


class Shown:
    """Writes numbers of one tree as HTML; a number from elsewhere is a KeyError."""

    def __init__(self, numbers: Numbers):
        """Note the path of every quantity."""
        self.paths: dict[int, str] = {}
        self._walk(numbers, "")

    def __call__(self, value: Quantity | Value | None, unit: bool = False) -> str:
        """A number as `<data>` with its full value and its path; a dash where there is none."""
        if value is None or value.value is None:
            return "–"
        if isinstance(value.value, str):
            return escape(value.value)
        text = self._data(value, "value", value.value)
        name = unit_of(value.unit) if unit else ""
        return f'<span class="number">{text} {escape(name)}</span>' if name else text

    def interval(self, value: Quantity | None) -> str:
        """The 95 % interval of a number."""
        if value is None or value.low is None or value.high is None:
            return "–"
        low, high = (self._data(value, part, getattr(value, part)) for part in ("low", "high"))
        return f'<span class="number">{low} to {high}</span>'

    def _data(self, value: Quantity | Value, part: str, number: float) -> str:
        path = f"{self.paths[id(value)]}.{part}"
        return f'<data value="{number!r}" data-path="{path}">{shown(number, value.unit)}</data>'

    def _walk(self, node: Any, path: str) -> None:
        if isinstance(node, Quantity | Value):
            self.paths[id(node)] = path
        elif isinstance(node, BaseModel):
            for name in type(node).model_fields:
                self._walk(getattr(node, name), f"{path}.{name}".lstrip("."))
        elif isinstance(node, list):
            for k, entry in enumerate(node):
                self._walk(entry, f"{path}.{k}")
