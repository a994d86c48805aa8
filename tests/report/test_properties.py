"""Results of property runs are taken as they are found; damaged ones are told."""

import json

import pytest

from softfix.errors import SoftfixError
from softfix.report.properties import read_properties


def write(folder, name, content, svg=None):
    (folder / name).mkdir()
    (folder / name / "result.json").write_text(content if isinstance(content, str) else json.dumps(content))
    if svg:
        (folder / name / "curve.svg").write_text(svg)


def test_rows_units_notes_and_figures_are_found(tmp_path):
    rows = [{"quantity": "bulk modulus", "unit": "GPa", "base": 100.0, "corrected": 120.0, "reference": None}]
    write(tmp_path, "eos", {"name": "eos", "title": "Equation of state", "rows": rows, "notes": ["fine"]}, "<svg/>")
    write(tmp_path, "phonons", {"name": "phonons", "highest": {"base": {"value": 3.5, "unit": "THz"}}})
    eos, phonons = read_properties(tmp_path)
    assert (eos.name, eos.notes, eos.pictures[0].svg) == ("Equation of state", ["fine"], "<svg/>")
    assert eos.rows[0].name == "bulk modulus"
    assert (eos.rows[0].corrected.value, eos.rows[0].corrected.unit) == (120.0, "GPa")
    assert eos.rows[0].reference is None
    assert (phonons.rows[0].name, phonons.rows[0].base.unit) == ("highest", "THz")


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_damaged_result_is_named(tmp_path, content):
    write(tmp_path, "eos", content)
    with pytest.raises(SoftfixError, match=r"result\.json is not"):
        read_properties(tmp_path)


def test_a_folder_without_results_is_told(tmp_path):
    with pytest.raises(SoftfixError, match="holds no"):
        read_properties(tmp_path)
    with pytest.raises(SoftfixError, match="not a folder"):
        read_properties(tmp_path / "absent")
