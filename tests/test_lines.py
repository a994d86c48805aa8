"""Files of lines: what a kill, a full disk or a stranger leaves in them."""

import json

import pytest

from softfix.errors import SoftfixError
from softfix.lines import Lines


@pytest.mark.parametrize("left", [b'{"a": ', b'{"a": 2}', b'{"a"\n'])
def test_a_half_line_is_dropped_and_replaced_by_the_next(tmp_path, left):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"a": 1}\n' + left)
    lines = Lines(path)
    assert lines.read() == [{"a": 1}]
    assert path.read_bytes().endswith(left)  # reading changes nothing
    lines.add(json.dumps({"a": 3}))
    lines.add(json.dumps({"a": 4}))
    assert path.read_bytes() == b'{"a": 1}\n{"a": 3}\n{"a": 4}\n'


def test_two_writers_keep_all_lines(tmp_path):
    first, second = Lines(tmp_path / "lines.jsonl"), Lines(tmp_path / "lines.jsonl")
    for number, lines in enumerate((first, second, first)):
        lines.add(json.dumps(number))
    assert Lines(tmp_path / "lines.jsonl").read() == [0, 1, 2]


def test_a_line_of_something_else_is_named(tmp_path):
    (tmp_path / "other.jsonl").write_text("[1]\n{}\n[2]\n")
    with pytest.raises(SoftfixError, match=r"other.jsonl, line 2 is not a pair"):
        Lines(tmp_path / "other.jsonl", "a pair").read(lambda line: json.loads(line)[0])
