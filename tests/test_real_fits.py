"""Real bases corrected with real DFT frames: the numbers that the README promises."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from softfix.bases import load_base
from softfix.calculator import CorrectedCalculator
from softfix.correct import corrected
from softfix.correction import load_correction
from softfix.data import atoms_of, read_frames
from softfix.evaluations import evaluate_base
from softfix.fitting import fit
from softfix.measure import measure

pytestmark = pytest.mark.real
README = Path(__file__).parents[1] / "README.md"
EXAMPLES = Path(__file__).parents[1] / "examples"
MACE_SMALL = Path(__file__).parents[1] / "calibration" / "mace-small" / "mace-small.model"


def ratio(base, train, test):
    """Force MAE of the corrected potential over that of the base on held-out frames."""
    evaluations = evaluate_base(base, test)
    correction = fit(train, base).correction
    after = measure(test, corrected(correction, test, base))
    return after.force_mae_eV_A / measure(test, evaluations).force_mae_eV_A


def example(name):
    return read_frames(EXAMPLES / name / "train.extxyz"), read_frames(EXAMPLES / name / "test.extxyz")


def test_chgnet_on_hfo2_has_the_share_of_its_error_that_the_readme_says():
    pytest.importorskip("chgnet", reason="the extra chgnet is not installed")
    (said,) = re.findall(r"\| force MAE, eV/Å \|.*\| ([\d.]+) \|", README.read_text(encoding="utf-8"))
    assert float(said) <= 0.50
    assert ratio(load_base("chgnet"), *example("HfO2")) == pytest.approx(float(said), abs=0.02)


def test_old_m3gnet_on_hfo2_is_improved(shared):
    pytest.importorskip("matgl", reason="the extra matgl is not installed")
    base = load_base(f"matgl:{shared / 'weights' / 'M3GNet-MP-2021.2.8-PES'}")
    assert ratio(base, *example("HfO2")) <= 0.60


def test_the_small_mace_is_improved():
    pytest.importorskip("mace", reason="the extra mace is not installed")
    train, test = example("HfO2")
    assert ratio(load_base(f"mace:{MACE_SMALL}"), train, test) < 1.0


@pytest.mark.parametrize(("k", "limit"), [(1, 0.09), (5, 0.03)])
def test_chgnet_on_aln_with_k_frames(shared, k, limit):
    pytest.importorskip("chgnet", reason="the extra chgnet is not installed")
    train = read_frames(shared / "data" / "AlN-rd-train.extxyz.gz")
    test = read_frames(shared / "data" / "AlN-rd-test.extxyz.gz")
    assert ratio(load_base("chgnet"), train[:k], test) <= limit


@pytest.mark.slow
@pytest.mark.parametrize(("name", "limit"), [("mlearn-Li", 0.31), ("BaTiO3-AIMD", 0.35)])
def test_chgnet_with_five_random_frames(shared, name, limit):
    """Mean of five draws; single draws of Li reach 0.43."""
    pytest.importorskip("chgnet", reason="the extra chgnet is not installed")
    train = read_frames(shared / "data" / f"{name}-train.extxyz.gz")
    test = read_frames(shared / "data" / f"{name}-test.extxyz.gz")
    draws = [np.random.default_rng(seed).permutation(len(train))[:5] for seed in range(5)]
    ratios = [ratio(load_base("chgnet"), [train[i] for i in draw], test) for draw in draws]
    assert np.mean(ratios) <= limit


def test_a_second_fit_needs_no_torch(tmp_path):
    pytest.importorskip("chgnet", reason="the extra chgnet is not installed")
    frames = EXAMPLES / "HfO2" / "train.extxyz"
    without_torch = "import sys; sys.modules['torch'] = None; from softfix.cli import main; main()"
    arguments = ["fit", str(frames), "--base", "chgnet", "-o"]
    subprocess.run([sys.executable, "-m", "softfix", *arguments, tmp_path / "1.softfix"], check=True)
    subprocess.run([sys.executable, "-c", without_torch, *arguments, tmp_path / "2.softfix"], check=True)
    first, second = (load_correction(tmp_path / name) for name in ("1.softfix", "2.softfix"))
    assert np.array_equal(first.weights, second.weights)


def test_zero_correction_of_chgnet_is_chgnet_bit_for_bit():
    pytest.importorskip("chgnet", reason="the extra chgnet is not installed")
    train, _ = example("HfO2")
    base = load_base("chgnet")
    nothing = fit(train[:1], base).correction.zeroed()
    bare, atoms = atoms_of(train[1]), atoms_of(train[1])
    bare.calc, atoms.calc = base.calculator(), CorrectedCalculator(base, nothing)
    assert atoms.get_potential_energy() == bare.get_potential_energy()
    assert np.array_equal(atoms.get_forces(), bare.get_forces())
    assert np.array_equal(atoms.get_stress(), bare.get_stress())


def test_the_corrected_chgnet_gives_what_the_evaluation_says():
    pytest.importorskip("chgnet", reason="the extra chgnet is not installed")
    train, test = example("HfO2")
    base = load_base("chgnet")
    correction = fit(train[:2], base).correction
    said = corrected(correction, test[:1], base)[0]
    atoms = atoms_of(test[0])
    atoms.calc = CorrectedCalculator(base, correction)
    assert atoms.get_potential_energy() == pytest.approx(said.energy, abs=1e-4)
    assert np.allclose(atoms.get_forces(), said.forces, atol=1e-4)
    assert np.allclose(atoms.get_stress(), said.stress, atol=1e-5)
