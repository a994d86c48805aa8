"""Figures in SVG files: the same bytes for the same content, text as text, never half a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from softfix.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@contextmanager
def drawing(path: Path, width: float, height: float, font_size: float = 9.0) -> Iterator[Figure]:
    """Give an empty figure of `width` x `height` inches; it is written to `path` when the block ends well."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": font_size, "svg.hashsalt": "softfix", "svg.fonttype": "none"}):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield figure
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})
