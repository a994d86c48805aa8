"""Stiffness that a base lacks: what it does to moduli, and that a base has it by its weights alone."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from softfix.bases import load_base
from softfix.properties import stiffness
from softfix.properties.elasticity import CALIBRATED, ElasticitySettings
from softfix.properties.run import Potentials, measure_property
from softfix.properties.stiffness import Lacking, hill, lacking, stiffened
from tests.properties.conftest import frames_of

CALIBRATION = Path(__file__).parents[2] / "calibration"


def isotropic(bulk_modulus, shear):
    """Tensor of two moduli, Voigt's order."""
    C = np.zeros((6, 6))
    C[:3, :3] = bulk_modulus - 2.0 * shear / 3.0
    C[range(6), range(6)] += [2.0 * shear] * 3 + [shear] * 3
    return C


def test_an_isotropic_solid_keeps_its_bulk_modulus_and_gains_the_share_in_shear():
    bulk_modulus, shear = hill(stiffened(isotropic(100.0, 20.0), 0.25))
    assert bulk_modulus == pytest.approx(100.0)
    assert shear == pytest.approx(45.0)


def test_energies_of_strains_never_sink_and_those_of_pure_compression_stay():
    random = np.random.default_rng(0)
    root = random.normal(size=(50, 6, 6))
    C = root @ root.transpose(0, 2, 1)
    more = stiffened(C, 0.3) - C
    assert (np.linalg.eigvalsh(more) > -1e-9).all()
    compression = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    assert np.allclose(more @ compression, 0.0, atol=1e-9)
    assert np.array_equal(stiffened(C, 0.0), C)


def test_a_base_that_is_known_has_calibrated_moduli_and_another_has_none(tmp_path, monkeypatch):
    base, settings = load_base(EMT()), ElasticitySettings(relaxation={"force": 0.01})
    start = frames_of(bulk("Cu", a=3.6))
    plain = measure_property("elasticity", start, Potentials(base), tmp_path / "1", None, settings)
    assert not {row.quantity for row in plain.rows} & set(CALIBRATED)
    sha256 = base.identity.weights_sha256
    known = Lacking(base="EMT", weights_sha256=sha256, share=0.1, materials=7, bulk_error_GPa=8.0, shear_error_GPa=9.0)
    monkeypatch.setattr(stiffness, "_known", lambda: {sha256: known})
    result = measure_property("elasticity", start, Potentials(base), tmp_path / "2", None, settings)
    own, better = result.row("shear modulus (Hill)").base, result.row(CALIBRATED[1]).base
    bulk_modulus = result.row("bulk modulus (Hill)").base
    assert result.row(CALIBRATED[0]).base == pytest.approx(bulk_modulus, rel=1e-6)
    assert better == pytest.approx(own + 0.1 * bulk_modulus, rel=0.05)  # Reuss's mean is not linear
    assert better > own
    assert any("lacks 0.10 of the bulk modulus, as 7 crystals say" in note for note in result.notes)


def test_what_is_shipped_is_what_the_calibration_found():
    shipped = json.loads(files("softfix").joinpath("priors/stiffness.json").read_text())
    assert shipped
    for each in shipped:
        known = Lacking.model_validate(each)
        folder = CALIBRATION / "properties" / ("" if known.base == "chgnet" else "m3gnet")
        page = " ".join((folder / "elasticity.md").read_text().split())
        assert f"given {known.share:.2f} of the bulk modulus more" in page
        assert f"| {known.shear_error_GPa:.1f} |" in page
        assert f"| {known.bulk_error_GPa:.1f} |" in page


def test_chgnet_is_known():
    pytest.importorskip("chgnet", reason="the extra chgnet is not installed")
    found = lacking(load_base("chgnet").identity)
    assert found is not None
    assert found.share > 0.1
