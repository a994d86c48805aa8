"""The correction file: a round trip, and every way in which it must refuse."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from softfix.correction import ARRAYS, load_correction, require_base
from softfix.errors import SoftfixError
from softfix.fitting import fit
from softfix.settings import FitSettings
from tests.conftest import SoftEMT
from tests.test_fit import QUICK


@pytest.fixture
def correction(frames, soft_base):
    return fit(frames[:2], soft_base, QUICK).correction


@pytest.fixture
def path(correction, tmp_path):
    correction.save(tmp_path / "toy.softfix")
    return tmp_path / "toy.softfix"


def rewrite(path, change):
    """Change the header of a correction file."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as stored:
        header = json.loads(stored.metadata()["softfix"])
    change(header)
    save_file(load_file(path), path, metadata={"softfix": json.dumps(header)})


def test_a_correction_survives_the_file_bit_for_bit(correction, path):
    read = load_correction(path)
    for name in ARRAYS[:-1]:
        assert np.array_equal(getattr(read, name), getattr(correction, name))
    for mine, its in zip(read.basis.anchors, correction.basis.anchors, strict=True):
        assert np.array_equal(mine, its)
    assert np.allclose(read.covariance_root, correction.covariance_root, atol=1e-6)
    assert (read.base, read.elements, read.basis) == (correction.base, correction.elements, correction.basis)
    assert (read.data, read.fit) == (correction.data, correction.fit)


def test_a_failed_write_leaves_the_old_file(correction, path, monkeypatch):
    old = path.read_bytes()
    monkeypatch.setattr("safetensors.numpy.save_file", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        correction.save(path)
    assert path.read_bytes() == old
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_truncated_file_is_refused(path):
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SoftfixError, match=r"toy.softfix is truncated"):
        load_correction(path)


def test_a_foreign_file_is_refused(tmp_path):
    text = tmp_path / "notes.softfix"
    text.write_text("this is no correction")
    with pytest.raises(SoftfixError, match="not a correction file"):
        load_correction(text)
    tensors = tmp_path / "other.softfix"
    save_file({"x": np.zeros(3)}, tensors)
    with pytest.raises(SoftfixError, match="not a softfix correction"):
        load_correction(tensors)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(SoftfixError, match="does not exist"):
        load_correction(tmp_path / "absent.softfix")


def test_a_newer_schema_is_refused_with_both_versions(path):
    rewrite(path, lambda header: header.update(schema_version=99, softfix_version="9.9"))
    with pytest.raises(SoftfixError, match=r"schema 99, written by softfix 9.9; .* up to schema 6"):
        load_correction(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda header: header.update(elements=["Au", "Xx"]), "'Xx' is not an element"),
        (lambda header: header.update(elements=["Au", "Cu"]), "out of order"),
        (lambda header: header.update(surprise=1), "surprise"),
        (lambda header: header.pop("units"), "units"),
        (lambda header: header["basis"].update(pair_count=3), "weights has the shape"),
        (lambda header: header.update(format="cake"), "not a softfix correction"),
    ],
)
def test_an_inconsistent_header_is_refused(path, change, words):
    rewrite(path, change)
    with pytest.raises(SoftfixError, match=words):
        load_correction(path)


def test_numbers_that_are_not_finite_are_refused(correction, tmp_path):
    replace(correction, weights=np.full_like(correction.weights, np.nan)).save(tmp_path / "nan.softfix")
    with pytest.raises(SoftfixError, match="not finite"):
        load_correction(tmp_path / "nan.softfix")


def test_another_base_is_refused_naming_both_and_the_override(correction):
    from softfix.bases import load_base

    harder = SoftEMT()
    harder.softness = 0.5
    other = load_base(harder).identity
    with pytest.raises(SoftfixError, match="any_base") as refusal:
        require_base(correction, other)
    assert correction.base.weights_sha256 in str(refusal.value)
    assert other.weights_sha256 in str(refusal.value)
    require_base(correction, other, override=True)
    require_base(correction, correction.base)


def test_a_file_of_an_older_schema_keeps_its_gate(correction, path):
    """It knows nothing of colliding atoms."""
    arrays = {name: array for name, array in load_file(path).items() if name not in ("gate_core", "gate_crowded")}
    header = correction.header().model_copy(update={"schema_version": 2})
    save_file(arrays, path, metadata={"softfix": header.model_dump_json()})
    gate = load_correction(path).gate
    np.testing.assert_array_equal(gate.inner, correction.gate.inner)
    assert not gate.core.any()


def test_a_file_of_an_older_schema_scales_all_error_bars_as_those_of_forces(correction, path):
    added = ("calibration_energy", "calibration_stress", "base_energy_error_eV_atom")
    rewrite(path, lambda header: header.update(schema_version=3))
    rewrite(path, lambda header: [header["fit"].pop(name) for name in added])
    old = load_correction(path).fit
    assert old == correction.fit.model_copy(
        update={"calibration_energy": None, "calibration_stress": None, "base_energy_error_eV_atom": 0.0}
    )


def test_a_file_of_an_older_schema_has_no_many_body_terms(frames, soft_base, tmp_path):
    settings = FitSettings.model_validate(QUICK.model_dump() | {"terms": ["scale", "pair", "three_body"]})
    correction, path = fit(frames[:2], soft_base, settings).correction, tmp_path / "old.softfix"
    correction.save(path)
    rewrite(path, lambda header: [header.update(schema_version=4), header["basis"].pop("many_count")])
    read = load_correction(path)
    assert read.basis == correction.basis
    assert read.basis.anchors is None
    assert np.array_equal(read.weights, correction.weights)


@pytest.mark.parametrize("missing", ["gate_core", "anchors_whitening"])
def test_a_file_that_lacks_a_part_of_its_gate_or_anchors_is_refused(correction, path, missing):
    arrays = {name: array for name, array in load_file(path).items() if name != missing}
    save_file(arrays, path, metadata={"softfix": correction.header().model_dump_json()})
    with pytest.raises(SoftfixError, match=f"lacks the array {missing}"):
        load_correction(path)


@pytest.mark.parametrize(("name", "wrong"), [("spectra", np.zeros(3)), ("emptiness", np.zeros(7))])
def test_anchors_of_another_shape_are_refused(correction, path, name, wrong):
    arrays = load_file(path) | {f"anchors_{name}": wrong}
    save_file(arrays, path, metadata={"softfix": correction.header().model_dump_json()})
    with pytest.raises(SoftfixError, match=f"anchors_{name} has the shape"):
        load_correction(path)
