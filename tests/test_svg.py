"""Figures are the same bytes for the same content, and never half a file."""

import pytest

from softfix.svg import drawing

pytest.importorskip("matplotlib")


def _draw(path, fault=None):
    with drawing(path, 3.0, 2.0) as figure:
        figure.subplots().plot([0.0, 1.0], [0.0, 1.0], label="a line")
        if fault:
            raise fault


def test_the_same_content_gives_the_same_bytes_with_text_as_text(tmp_path):
    first, second = tmp_path / "line.svg", tmp_path / "again.svg"
    _draw(first)
    _draw(second)
    assert first.read_bytes() == second.read_bytes()
    assert "<text" in first.read_text()


def test_a_fault_while_drawing_leaves_the_old_figure(tmp_path):
    path = tmp_path / "line.svg"
    _draw(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="no numbers"):
        _draw(path, ValueError("no numbers"))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
