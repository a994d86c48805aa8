"""The WBM high-energy JSON, with structures as pymatgen writes them."""

import gzip
import json

import numpy as np
import pytest

from softfix.data import read_frames
from softfix.errors import SoftfixError

CELL = np.array([[4.0, 0.0, 0.0], [1.0, 5.0, 0.0], [0.0, 0.5, 6.0]])
FRACTIONAL = np.array([[0.0, 0.0, 0.0], [0.5, 0.25, 0.5]])
FORCES = [[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]]


def shifted(by: float) -> np.ndarray:
    return FRACTIONAL + np.array([[0, 0, 0], [by, 0, 0]])


def entry(shift: float = 0.0, **changed) -> dict:
    abc = shifted(shift)
    sites = [
        {
            "species": [{"element": element, "occu": 1}],
            "abc": list(row),
            "xyz": list(row @ CELL),
            "label": element,
        }
        for element, row in zip(("Hf", "O2-"), abc, strict=True)
    ]
    structure = {
        "@class": "Structure",
        "lattice": {"matrix": CELL.tolist(), "pbc": [True] * 3},
        "sites": sites,
    }
    return {"structure": structure, "vasp_f": FORCES} | changed


@pytest.mark.parametrize("name", ["wbm.json", "wbm.json.gz"])
def test_every_frame_of_every_material_is_read(tmp_path, name):
    text = json.dumps({"wbm-1": {"0": entry(), "1": entry(0.1)}, "wbm-2": {"0": entry(0.2)}}).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    frames = read_frames(tmp_path / name)
    assert [frame.config_type for frame in frames] == ["wbm-1", "wbm-1", "wbm-2"]
    last = frames[2]
    assert np.array_equal(last.numbers, [72, 8])
    assert np.allclose(last.positions, shifted(0.2) @ CELL)
    assert np.array_equal(last.cell, CELL)
    assert np.array_equal(last.forces, FORCES)
    assert (last.energy, last.stress, last.labels_from) == (None, None, "vasp_f")
    assert last.pbc.all()
    assert last.source.endswith(f"{name}, frame 3 (wbm-2, 0)")


def test_structures_are_read_as_pymatgen_writes_them(tmp_path):
    core = pytest.importorskip("pymatgen.core", reason="pymatgen is not installed")
    structure = core.Structure(core.Lattice(CELL), ["Hf", "O"], FRACTIONAL)
    content = {"wbm-1": {"0": {"structure": structure.as_dict(), "vasp_f": FORCES}}}
    (tmp_path / "wbm.json").write_text(json.dumps(content))
    [frame] = read_frames(tmp_path / "wbm.json")
    assert np.array_equal(frame.numbers, structure.atomic_numbers)
    assert np.allclose(frame.positions, structure.cart_coords, atol=1e-12)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (entry(0.1, vasp_f=FORCES[:1]), r"'vasp_f' have the shape \(1, 3\) where its atoms need \(2, 3\)"),
        (None, r"is not what a WBM frame should be"),
        ({"vasp_f": FORCES}, r"is not what a WBM frame should be \(KeyError: 'structure'\)"),
    ],
    ids=["too few forces", "nothing", "no structure"],
)
def test_bad_frame_is_told_with_file_frame_and_value(tmp_path, second, said):
    (tmp_path / "wbm.json").write_text(json.dumps({"wbm-1": {"0": entry(), "7": second}}))
    with pytest.raises(SoftfixError, match=rf"wbm\.json, frame 2 \(wbm-1, 7\).*{said}"):
        read_frames(tmp_path / "wbm.json")


def test_cut_json_is_told(tmp_path):
    (tmp_path / "wbm.json").write_text(json.dumps({"wbm-1": {"0": entry()}})[:-30])
    with pytest.raises(SoftfixError, match=r"wbm\.json is not a structure file .* cut short"):
        read_frames(tmp_path / "wbm.json")


def test_cut_gzip_is_told(tmp_path):
    (tmp_path / "wbm.json.gz").write_bytes(gzip.compress(json.dumps({"wbm-1": {"0": entry()}}).encode())[:-20])
    with pytest.raises(SoftfixError, match=r"wbm\.json\.gz is not a structure file .* cut short"):
        read_frames(tmp_path / "wbm.json.gz")


def test_json_of_another_kind_is_refused(tmp_path):
    (tmp_path / "list.json").write_text('{"milk": 2}')
    with pytest.raises(SoftfixError, match=r"list\.json is not a structure file that softfix can read"):
        read_frames(tmp_path / "list.json")
