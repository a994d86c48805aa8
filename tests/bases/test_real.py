"""CHGNet, M3GNet and MACE for real."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from softfix.bases import load_base
from softfix.bases.check import check_base, failures
from softfix.errors import SoftfixError

pytestmark = pytest.mark.real
MACE_SMALL = Path(__file__).parents[2] / "calibration" / "mace-small" / "mace-small.model"
M3GNET = "M3GNet-MP-2021.2.8-PES"


@pytest.fixture
def chgnet():
    pytest.importorskip("chgnet", reason="the extra chgnet is not installed")
    return "chgnet"


@pytest.fixture
def m3gnet(shared):
    pytest.importorskip("matgl", reason="the extra matgl is not installed")
    return f"matgl:{shared / 'weights' / M3GNET}"


@pytest.fixture
def mace():
    pytest.importorskip("mace", reason="the extra mace is not installed")
    return f"mace:{MACE_SMALL}"


@pytest.fixture(params=["chgnet", "m3gnet", "mace"])
def spec(request):
    return request.getfixturevalue(request.param)


def test_the_base_keeps_the_contract(spec):
    assert failures(check_base(spec)) == []


def test_loading_leaves_the_process_as_it_was(spec, capsys):
    import logging
    import warnings

    import torch

    before = torch.get_default_dtype(), torch.get_rng_state(), torch.is_grad_enabled(), list(warnings.filters)
    level, handlers = logging.getLogger().level, list(logging.getLogger().handlers)
    load_base(spec).calculator()
    assert torch.get_default_dtype() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert torch.is_grad_enabled() == before[2]
    assert list(warnings.filters) == before[3]
    assert (logging.getLogger().level, logging.getLogger().handlers) == (level, handlers)
    assert capsys.readouterr().out == ""


def energy_error(spec, shared, key):
    """Mean |error| in eV/atom of relaxed WBM structures."""
    with gzip.open(shared / "data" / "wbm-equilibrium.json.gz", "rt") as stream:
        entries = json.load(stream)
    calculator, errors = load_base(spec).calculator(), []
    for entry in entries:
        atoms = Atoms(entry["symbols"], scaled_positions=entry["scaled_positions"], cell=entry["cell"], pbc=True)
        atoms.calc = calculator
        errors.append((atoms.get_potential_energy() - entry[key]) / len(atoms))
    assert len(errors) == 80
    return np.abs(errors).mean()


def test_chgnet_gives_the_energies_of_its_theory(chgnet, shared):
    assert energy_error(chgnet, shared, "corrected_energy_eV") <= 0.06


def test_old_m3gnet_weights_give_the_energies_of_their_theory(m3gnet, shared):
    assert energy_error(m3gnet, shared, "energy_eV") <= 0.06


def test_old_weights_passed_off_as_new_are_refused(m3gnet):
    base = load_base(m3gnet)
    assert base.before_matgl_3
    base.before_matgl_3 = False
    with pytest.raises(SoftfixError, match=r"MgO|NaCl.*GPa.*convention"):
        base.calculator()


def test_the_versions_of_chgnet_are_different_bases(chgnet):
    assert load_base("chgnet").identity == load_base("chgnet:0.3.0").identity
    assert load_base("chgnet").identity.key != load_base("chgnet:0.2.0").identity.key
    with pytest.raises(SoftfixError, match=r"no version '9.9'.*0\.3\.0"):
        load_base("chgnet:9.9")


def test_extras_of_chgnet_pass_through(chgnet):
    atoms = bulk("Fe", a=2.83)
    atoms.calc = load_base(chgnet).calculator()
    atoms.get_potential_energy()
    assert atoms.calc.results["magmoms"].shape == (1,)
    assert "crystal_fea" in atoms.calc.extra_results


def test_an_unknown_matgl_name_is_told():
    pytest.importorskip("matgl", reason="the extra matgl is not installed")
    with pytest.raises(SoftfixError, match="neither a folder"):
        load_base("matgl:/no/such/folder")


def test_an_unknown_mace_name_is_told():
    pytest.importorskip("mace", reason="the extra mace is not installed")
    with pytest.raises(SoftfixError, match="medium-mpa-0"):
        load_base("mace:no-such-model")


def test_a_mace_alias_takes_the_path_of_mace_mp(mace, monkeypatch, tmp_path):
    """The foundation weights cannot be had everywhere: the alias is resolved by mace-torch's own download function."""
    import mace.calculators.foundations_models as foundations

    asked = []
    monkeypatch.setattr(foundations, "download_mace_mp_checkpoint", lambda name: asked.append(name) or str(MACE_SMALL))
    base = load_base("mace:medium")
    assert asked == ["medium"]
    assert base.identity.spec == "mace:medium"
    assert base.identity.level_of_theory == "PBE/PBE+U, MPtrj"
    monkeypatch.setattr(
        foundations, "download_mace_mp_checkpoint", lambda name: (_ for _ in ()).throw(OSError("offline"))
    )
    with pytest.raises(SoftfixError, match="offline"):
        load_base("mace:medium")
