"""The command line as a user meets it, in processes of its own."""

import json
import subprocess
import sys

import pytest

from softfix.data import write_frames
from tests.conftest import alloy, labelled

BASE = "tests.conftest:SoftEMT"


def softfix(*arguments, cwd=None):
    command = [sys.executable, "-m", "softfix", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=cwd)


@pytest.fixture
def files(tmp_path):
    write_frames(tmp_path / "train.extxyz", [labelled(alloy(seed)) for seed in range(3)])
    write_frames(tmp_path / "test.extxyz.gz", [labelled(alloy(seed)) for seed in range(3, 6)])
    settings = {"basis": {"pair_count": 8, "three_count": 2, "many_count": 3, "anchors": 16, "three_cutoff": 5.0}}
    (tmp_path / "quick.json").write_text(json.dumps(settings))
    return tmp_path


def test_fit_evaluate_and_show_in_a_row(files):
    out = files / "toy.softfix"
    run = softfix("fit", files / "train.extxyz", "--base", BASE, "-o", out, "--config", files / "quick.json")
    assert run.returncode == 0, run.stderr
    assert "force MAE" in run.stdout
    numbers = files / "numbers.json"
    run = softfix("evaluate", files / "test.extxyz.gz", "--correction", out, "--json", numbers)
    assert run.returncode == 0, run.stderr
    assert "corrected" in run.stdout
    found = json.loads(numbers.read_text())
    assert found["n_frames"] == 3
    assert found["corrected"]["force_mae_eV_A"] < 0.3 * found["base"]["force_mae_eV_A"]
    for part in (found["base"], found["corrected"], found["config_type"]["default"]["base"]):
        assert set(part) == {
            "force_mae_eV_A", "force_rmse_eV_A", "softening_slope", "softening_slope_ci95",
            "softening_slope_intercept", "softening_slope_intercept_ci95", "energy_mae_meV_atom", "stress_mae_GPa",
            "max_force_error_eV_A",
        }  # fmt: skip
    run = softfix("show", out)
    assert run.returncode == 0
    assert "Cu Au" in run.stdout


def test_evaluate_measures_a_base_alone(files):
    run = softfix("evaluate", files / "train.extxyz", "--base", BASE, "--json", files / "base.json")
    assert run.returncode == 0, run.stderr
    found = json.loads((files / "base.json").read_text())
    assert found["base"]["softening_slope"] == pytest.approx(0.8, rel=1e-6)
    assert found["corrected"] is None


def test_bases_are_listed():
    run = softfix("bases")
    assert run.returncode == 0
    assert all(name in run.stdout for name in ("chgnet", "matgl", "mace"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fit", "absent.extxyz", "--base", "ase.calculators.emt:EMT", "-o", "x.softfix"), "absent.extxyz"),
        (("fit", "train.extxyz", "--base", "chgnt", "-o", "x.softfix"), "chgnet"),
        (("fit", "train.extxyz", "--base", BASE, "-o", "x.softfix", "--energy-key", "nrg"), "nrg"),
        (("fit", "train.extxyz", "--base", BASE, "-o", "x.softfix", "--max-force", "0.001"), "--max-force"),
        (("evaluate", "train.extxyz"), "--correction"),
        (("show", "train.extxyz"), "train.extxyz"),
    ],
)
def test_a_mistake_is_one_sentence_and_no_traceback(files, arguments, words):
    paths = [files / a if a.endswith((".extxyz", ".softfix")) else a for a in arguments]
    run = softfix(*paths)
    assert run.returncode == 1
    assert words in run.stderr
    assert run.stderr.startswith("softfix: ")
    assert len(run.stderr.strip().splitlines()) == 1
    assert not (files / "x.softfix").exists()


def test_an_unknown_option_is_told():
    run = softfix("fit", "--bse", "chgnet")
    assert run.returncode == 2
    assert "No such option" in run.stderr
