"""Specs, identities and the contract, without any real model."""

import sys

import numpy as np
import pytest
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from softfix.bases import families, load_base
from softfix.bases.check import check_base, failures
from softfix.bases.dialect import Normalised
from softfix.bases.protocol import Base
from softfix.errors import SoftfixError
from tests.conftest import SoftEMT, alloy


def test_an_object_and_a_factory_become_bases():
    for spec in (EMT(), "ase.calculators.emt:EMT"):
        base = load_base(spec)
        assert isinstance(base, Base)
        assert load_base(base) is base
        atoms = alloy(0)
        atoms.calc = base.calculator()
        assert np.isfinite(atoms.get_potential_energy())


def test_differently_made_calculators_are_different_bases():
    keys = {load_base(LennardJones(sigma=sigma, epsilon=1.0)).identity.key for sigma in (1.0, 1.1)}
    assert len(keys) == 2
    assert load_base(LennardJones(sigma=1.0)).identity == load_base(LennardJones(sigma=1.0)).identity


def test_using_a_calculator_does_not_change_who_it_is():
    calculator = EMT()
    before = load_base(calculator).identity
    atoms = alloy(0)
    atoms.calc = calculator
    atoms.get_forces()
    assert load_base(calculator).identity == before


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("chgnt", "did you mean 'chgnet'"),
        ("nonsense", "chgnet, matgl, mace"),
        ("object:EMT", "pass that calculator"),
        ("ase.calculators.emt:Emt", "Emt"),
        ("no.such.module:f", "no"),
        ("math:pi", "not callable"),
        ("builtins:dict", "not an ASE calculator"),
        (3, "not a int"),
    ],
)
def test_a_bad_spec_is_one_sentence(spec, words):
    with pytest.raises(SoftfixError, match=words):
        load_base(spec)


@pytest.mark.parametrize("family", families.values(), ids=list(families))
def test_a_missing_package_names_the_extra(family, monkeypatch):
    monkeypatch.setattr("softfix.bases.package.installed_version", lambda _: None)
    with pytest.raises(SoftfixError, match=rf"pip install 'softfix\[{family.name}\]'"):
        load_base(f"{family.name}:some")


class Dialect(EMT):
    """EMT that speaks the dialect of others: 3x3 stress in GPa, float32 forces, an energy array, no free energy."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        from ase.stress import voigt_6_to_full_3x3_stress
        from ase.units import GPa

        super().calculate(atoms, properties, system_changes)
        results = self.results
        results.pop("free_energy")
        results["energy"] = np.array([results["energy"]])
        results["forces"] = results["forces"].astype(np.float32)
        if "stress" in results:
            results["stress"] = voigt_6_to_full_3x3_stress(results["stress"]) / GPa
        results["foreign"] = "something"


def test_a_dialect_is_normalised():
    from ase.units import GPa

    plain, foreign = alloy(1), alloy(1)
    plain.calc, foreign.calc = EMT(), Normalised(Dialect(), stress_unit=GPa)
    assert foreign.get_potential_energy() == plain.get_potential_energy()
    assert foreign.get_potential_energy(force_consistent=True) == plain.get_potential_energy()
    assert foreign.get_forces().dtype == np.float64
    assert np.allclose(foreign.get_forces(), plain.get_forces(), atol=1e-6)
    assert np.allclose(foreign.get_stress(), plain.get_stress(), rtol=1e-12)
    assert "foreign" not in foreign.calc.results
    assert foreign.calc.extra_results == {"foreign": "something"}


def test_a_sound_base_passes_every_check():
    assert failures(check_base(SoftEMT())) == []


def broken(name, change):
    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        EMT.calculate(self, atoms, properties, system_changes)
        change(self.results, self.atoms)

    return type(name, (EMT,), {"calculate": calculate})()


def scale(key, factor):
    def change(results, _):
        if key in results:
            results[key] = factor * results[key]

    return change


def add_cell(results, atoms):
    for key in ("energy", "free_energy"):
        results[key] += 0.1 * atoms.get_volume() ** 2 / 1000


def add_place(results, atoms):
    for key in ("energy", "free_energy"):
        results[key] += 0.5 * atoms.positions[0, 0]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (scale("forces", -1.0), "forces are derivatives"),
        (scale("stress", -1.0), "stress is a derivative"),
        (scale("stress", 160.2), "stress is a derivative"),
        (scale("energy", np.nan), "results have their form"),
        (add_place, "energy is invariant"),
        (add_cell, "energy is extensive"),
    ],
)
def test_a_broken_base_fails_its_check(change, name):
    calculator = broken("Broken", change)
    assert name in {result.name for result in failures(check_base(calculator))}
    with pytest.raises(SoftfixError, match="fails the check"):
        check_base(calculator, raise_on_failure=True)


def test_identities_of_packages_need_no_torch():
    import subprocess

    pytest.importorskip("chgnet", reason="the extra chgnet is not installed")
    check = "load_base('chgnet').identity; assert 'torch' not in sys.modules"
    code = f"import sys; from softfix.bases import load_base; {check}"
    subprocess.run([sys.executable, "-c", code], check=True)
