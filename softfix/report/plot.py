"""A figure as SVG text. Colours and fonts are the page's, so that light, dark and print each have their own.

Points stand in the order of their numbers, which is how the page's script knows what a point is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

import numpy as np

from softfix.report.axis import Axis, written

WIDTH = 370
HEIGHT = 310
LEFT, RIGHT, TOP, BOTTOM = 64, 10, 12, 46  # margins
MANY = 150  # points
FEWEST = 4  # points of a median
SHAPES = ("circle", "square", "diamond", "triangle")


def x_range(left: float = LEFT, right: float = RIGHT) -> tuple[float, float]:
    """Drawing units from the left to the right end."""
    return left, WIDTH - right


def y_range(height: float = HEIGHT) -> tuple[float, float]:
    """Drawing units from the bottom to the top."""
    return height - BOTTOM, TOP


class Plot:
    """Axes, and what is drawn between them."""

    def __init__(self, x: Axis, y: Axis, height: float = HEIGHT):
        """Start with the frame, ticks and labels."""
        self.x, self.y, self.height = x, y, height
        self.parts: list[str] = [self._frame()]

    def svg(self, title: str, description: str = "") -> str:
        """The whole figure, with its title and description for those who cannot see it."""
        text = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.height:g}" role="img" aria-label="{escape(f"{title}. {description}")}">'
            f"{text}{''.join(self.parts)}</svg>"
        )

    def points(self, x: Sequence[float], y: Sequence[float], series: int, key: str = "") -> None:
        """Discs, small where they are many; `key` names the numbers that they stand for."""
        size = 2.2 if len(x) > MANY else 3.4
        data = f' data-points="{escape(key)}"' if key else ""
        discs = "".join(
            f'<circle cx="{_n(self.x(a))}" cy="{_n(self.y(b))}" r="{size:g}"/>' for a, b in zip(x, y, strict=True)
        )
        self.parts.append(f'<g class="dots s{series}"{data}>{discs}</g>')

    def marks(self, x: Sequence[float], y: Sequence[float], series: int, size: float = 4.0) -> None:
        """Larger signs whose shape tells the series too."""
        signs = "".join(_sign(series, self.x(a), self.y(b), size) for a, b in zip(x, y, strict=True))
        self.parts.append(f'<g class="mark s{series}">{signs}</g>')

    def interval(self, value: float, low: float | None, high: float | None, at: float, series: int) -> None:
        """A mark with its interval at a height in drawing units; what runs out of the frame is cut off."""
        if low is not None and high is not None:
            ends = [self.x(min(max(end, self.x.low), self.x.high)) for end in (low, high)]
            self.parts.append(f'<path class="line s{series}" d="{_path((end, at) for end in ends)}"/>')
        self.parts.append(f'<g class="mark s{series}">{_sign(series, self.x(value), at, 4.0)}</g>')

    def line(self, x: Sequence[float], y: Sequence[float], series: int | str) -> None:
        """Straight pieces from point to point, cut at the frame; nothing without points."""
        if not len(x):
            return
        kind = f"s{series}" if isinstance(series, int) else series
        path = _path((self.x(a), self.y(b)) for a, b in zip(x, y, strict=True))
        self.parts.append(self._inside(f'<path class="line {kind}" d="{path}"/>'))

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float], series: int) -> None:
        """Shade between two lines."""
        there = [(self.x(a), self.y(b)) for a, b in zip(x, low, strict=True)]
        back = [(self.x(a), self.y(b)) for a, b in zip(x, high, strict=True)][::-1]
        self.parts.append(self._inside(f'<path class="band s{series}" d="{_path([*there, *back])}Z"/>'))

    def bars(self, edges: Sequence[float], heights: Sequence[float], series: int) -> None:
        """Bars from zero between neighbouring edges."""
        zero = self.y(max(self.y.low, 0.0))
        for (a, b), h in zip(pairwise(edges), heights, strict=True):
            left, right, top = self.x(a), self.x(b), self.y(h)
            self.parts.append(
                f'<rect class="bar s{series}" x="{_n(left + 1)}" y="{_n(top)}" width="{_n(right - left - 2)}" '
                f'height="{_n(zero - top)}"/>'
            )

    def rule(self, x: float | None = None, y: float | None = None, kind: str = "guide") -> None:
        """A line across at one value."""
        if x is not None:
            at = _n(self.x(x))
            self.parts.append(f'<path class="{kind}" d="M{at} {_n(self.y(self.y.low))}V{_n(self.y(self.y.high))}"/>')
        if y is not None:
            at = _n(self.y(y))
            self.parts.append(f'<path class="{kind}" d="M{_n(self.x(self.x.low))} {at}H{_n(self.x(self.x.high))}"/>')

    def text(self, x: float, y: float, words: str, kind: str = "note", anchor: str = "start") -> None:
        """Words at drawing units."""
        self.parts.append(f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{escape(words)}</text>')

    def _inside(self, drawn: str) -> str:
        """What is drawn, cut off at the frame: a nested picture of the same coordinates."""
        left, right = sorted((self.x.start, self.x.end))
        top, bottom = sorted((self.y.start, self.y.end))
        x, y, width, height = _n(left), _n(top), _n(right - left), _n(bottom - top)
        box = f'x="{x}" y="{y}" width="{width}" height="{height}" viewBox="{x} {y} {width} {height}"'
        return f"<svg {box}>{drawn}</svg>"

    def _frame(self) -> str:
        left, right = self.x.start, self.x.end
        bottom, top = self.y.start, self.y.end
        parts = []
        for tick in self.x.ticks():
            across = _n(self.x(tick))
            parts.append(f'<path class="grid" d="M{across} {_n(bottom)}V{_n(top)}"/>')
            parts.append(f'<text x="{across}" y="{_n(bottom + 16)}" text-anchor="middle">{written(tick)}</text>')
        for tick in self.y.ticks():
            at = self.y(tick)
            parts.append(f'<path class="grid" d="M{_n(left)} {_n(at)}H{_n(right)}"/>')
            parts.append(f'<text x="{_n(left - 6)}" y="{_n(at + 4)}" text-anchor="end">{written(tick)}</text>')
        parts.append(f'<path class="frame" d="M{_n(left)} {_n(top)}V{_n(bottom)}H{_n(right)}"/>')
        middle, center = (left + right) / 2, (bottom + top) / 2
        parts.append(f'<text class="axis" x="{_n(middle)}" y="{_n(self.height - 8)}" text-anchor="middle">'
                     f"{escape(self.x.label)}</text>")  # fmt: skip
        parts.append(f'<text class="axis" transform="translate(13 {_n(center)}) rotate(-90)" text-anchor="middle">'
                     f"{escape(self.y.label)}</text>")  # fmt: skip
        return "".join(parts)


def _n(value: float) -> str:
    """A drawing unit with one decimal."""
    return f"{round(value, 1) + 0.0:g}"


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _sign(series: int, x: float, y: float, r: float) -> str:
    shape = SHAPES[series % len(SHAPES)]
    if shape == "circle":
        return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{r:g}"/>'
    if shape == "square":
        return f'<rect x="{_n(x - r)}" y="{_n(y - r)}" width="{2 * r:g}" height="{2 * r:g}"/>'
    corners = {"diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)), "triangle": ((0, -1.2), (1.2, 0.9), (-1.2, 0.9))}
    return f'<path d="{_path((x + r * a, y + r * b) for a, b in corners[shape])}Z"/>'


def medians(x: Sequence[float], y: Sequence[float], least: float, bins: int = 8) -> tuple[list[float], list[float]]:
    """Medians of x and y in bins of equal ratio in x from `least` on; those with fewer than `FEWEST` are left out."""
    xs, ys = np.asarray(x), np.asarray(y)
    if not (xs > least).any():
        return [], []
    edges = np.geomspace(least, xs.max() * (1 + 1e-9), bins + 1)
    parts = [(xs >= low) & (xs < high) for low, high in pairwise(edges)]
    full = [part for part in parts if part.sum() >= FEWEST]
    return [float(np.median(xs[part])) for part in full], [float(np.median(ys[part])) for part in full]
