"""Figures of a result, drawn from its numbers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from softfix.properties.result import Panel, Role
from softfix.svg import drawing

COLOURS: dict[Role, str] = {"reference": "#222222", "base": "#d1570a", "corrected": "#1f6feb"}
BELOW: dict[str, Any] = {"ms": 7.0, "lw": 2.4, "alpha": 0.5, "mew": 0.0}
ABOVE: dict[str, Any] = {"ms": 3.5, "lw": 1.1}
STYLES = {"line": ("-", "none"), "points": ("none", "o"), "points and line": ("-", "o")}


def draw(panel: Panel, path: Path) -> None:
    """Write one panel as SVG, atomically; the reference is drawn below the others, wider."""
    with drawing(path, 5.0, 3.4) as figure:
        axis = figure.subplots()
        for role in COLOURS:
            _curves(axis, panel, role)
        axis.set(xlabel=panel.x_label, ylabel=panel.y_label)
        if panel.ticks:
            _named_ticks(axis, panel.ticks, 0.5 if panel.style == "points" else 0.0)
        if panel.from_zero:
            axis.set_ylim(0.0, 1.05 * axis.get_ylim()[1])
        axis.spines[["top", "right"]].set_visible(False)
        figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=len(COLOURS))


def _curves(axis: Any, panel: Panel, role: Role) -> None:
    """All curves of a potential; the first alone stands in the legend."""
    line, marker = STYLES[panel.style]
    mine = [curve for curve in panel.curves if curve.of == role]
    for number, curve in enumerate(mine):
        axis.plot(
            curve.x, curve.y, linestyle=line, marker=marker, label=role if number == 0 else None, color=COLOURS[role],
            **(BELOW if role == "reference" else ABOVE),
        )  # fmt: skip


def _named_ticks(axis: Any, ticks: list[tuple[float, str]], margin: float) -> None:
    """Names of points on the x axis, joined where two share a place, each with a line."""
    names: dict[float, str] = {}
    for place, name in ticks:
        names[place] = name if names.get(place, name) == name else f"{names[place]}|{name}"
    axis.set_xticks(list(names), list(names.values()))
    axis.set_xlim(min(names) - margin, max(names) + margin)
    for place in names:
        axis.axvline(place, color="#bbbbbb", lw=0.5, zorder=0)
    axis.axhline(0.0, color="#bbbbbb", lw=0.5, zorder=0)
