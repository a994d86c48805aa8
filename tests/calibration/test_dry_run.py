"""The scripts of calibration/ run, so that they do not rot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from softfix.data import write_frames
from tests.conftest import alloy, labelled

CALIBRATION = Path(__file__).parents[2] / "calibration"
EXAMPLES = Path(__file__).parents[2] / "examples"
BASE = "tests.conftest:SoftEMT"


def run(script, *arguments):
    command = [sys.executable, str(CALIBRATION / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(CALIBRATION.parent))
    for part, seeds in (("train", range(4)), ("test", range(4, 6))):
        write_frames(tmp_path / f"toy-{part}.extxyz.gz", [labelled(alloy(seed, size=1)) for seed in seeds])
    return tmp_path


def test_the_scoreboard_fills_goes_on_and_becomes_a_page(folder):
    pytest.importorskip("matplotlib", reason="the extra report is not installed")
    results = folder / "results.jsonl"
    shared = (folder, "--base", BASE, "--draws", 1, "--results", results)
    chosen = [word for method in ("base", "scalar", "softfix") for word in ("--method", method)]
    run("scoreboard/run.py", *shared, "-k", 1, *chosen)
    first = results.read_text().splitlines()
    text = run("scoreboard/run.py", *shared, "-k", 1, "-k", 2, *chosen)
    assert "geometric" in text
    lines = results.read_text().splitlines()
    assert set(first) < set(lines)
    assert len(lines) == 5
    run("scoreboard/page.py", "--results", results, "--output", folder)
    sums = json.loads((folder / "summary.json").read_text())[BASE]
    softfix = next(c for c in sums["columns"] if (c["method"], c["k"]) == ("softfix", 2))
    assert f"| softfix | 2 | 1 | {softfix['geometric_mean']:.3f} |" in (folder / "README.md").read_text()
    assert (folder / "scoreboard.svg").read_text().count("<svg") == 1


def test_pages_show_the_committed_results(tmp_path):
    """Tables of both READMEs are those that the committed cells give; a page without marks is left alone."""
    pytest.importorskip("matplotlib", reason="the extra report is not installed")
    page, board = tmp_path / "README.md", CALIBRATION / "scoreboard"
    page.write_bytes((CALIBRATION.parent / "README.md").read_bytes())
    run("scoreboard/page.py", "--output", tmp_path / "board", "--readme", page)
    assert page.read_text() == (CALIBRATION.parent / "README.md").read_text()
    for name in ("README.md", "summary.json"):
        assert (tmp_path / "board" / name).read_text() == (board / name).read_text()
    own = board / "own"
    run("scoreboard/page.py", "--results", own / "results.jsonl", "--output", tmp_path / "own")
    for name in ("README.md", "summary.json"):
        assert (tmp_path / "own" / name).read_text() == (own / name).read_text()
    page.write_text("nothing to fill")
    with pytest.raises(AssertionError, match="lacks the lines"):
        run("scoreboard/page.py", "--output", tmp_path / "board", "--readme", page)
    assert page.read_text() == "nothing to fill"


def test_the_scoreboard_halves_files_without_a_partner_and_tells_of_a_folder_without_any(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(CALIBRATION.parent))
    monkeypatch.setenv("SOFTFIX_CACHE", str(tmp_path / "cache"))
    results, own = tmp_path / "results.jsonl", tmp_path / "own"
    own.mkdir()
    arguments = (
        own,
        "--base",
        BASE,
        "-k",
        1,
        "--draws",
        1,
        "--method",
        "base",
        "--method",
        "scalar",
        "--results",
        results,
    )
    with pytest.raises(AssertionError, match="holds no pair of files"):
        run("scoreboard/run.py", *arguments)
    write_frames(own / "toy.extxyz", [labelled(alloy(seed, size=1)) for seed in range(4)])
    run("scoreboard/run.py", *arguments)
    assert {json.loads(line)["system"] for line in results.read_text().splitlines()} == {"own-toy"}


def test_few_shot_per_formula_gives_a_row_per_method_and_size(folder):
    out = folder / "formulas.jsonl"
    text = run("scoreboard/formulas.py", folder / "toy-train.extxyz.gz", "--base", BASE, "--results", out)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) == 5
    (slope,) = (line["measures"]["softening_slope"] for line in lines if (line["method"], line["k"]) == ("softfix", 2))
    assert f"| softfix | 2 | 1 | {slope:.3f} |" in text
    assert out.with_suffix(".md").read_text() in text
    assert out.with_suffix(".svg").read_text().count("<svg") == 1


def test_coverage_is_printed_and_not_measured_twice(folder):
    out = folder / "coverage.jsonl"
    arguments = (folder, "--base", BASE, "-k", 2, "--draws", 1, "--results", out)
    text = run("scoreboard/coverage.py", *arguments)
    assert "toy" in text
    (line,) = out.read_text().splitlines()
    assert 0.0 < json.loads(line)["one_sigma"] <= 1.0
    assert run("scoreboard/coverage.py", *arguments) == text
    assert out.read_text().splitlines() == [line]
    stale = json.dumps(json.loads(line) | {"settings": "of another version", "one_sigma": 0.0})
    out.write_text(stale + "\n")
    assert run("scoreboard/coverage.py", *arguments) == text
    assert out.read_text().splitlines() == [stale, line]


def test_the_regime_matrix_has_a_row_and_column_per_group(folder):
    out = folder / "regimes.json"
    run("scoreboard/regimes.py", folder, "toy", "--base", BASE, "-k", 1, "--output", out)
    ratio = json.loads(out.read_text())["ratio"]["toy"]
    assert set(ratio) == set(ratio["default"]) == {"default"}
    assert 0.0 < ratio["default"]["default"] < 1.0


@pytest.mark.slow
def test_the_search_of_a_learning_rate_prints_a_line_per_rate():
    pytest.importorskip("chgnet", reason="the extra chgnet is not installed")
    train = EXAMPLES / "HfO2" / "train.extxyz"
    text = run("finetune/search.py", train, "--base", "chgnet", "--train", 2, "--held", 2, "--steps", 20,
               "--rate", "1e-4", "--rate", "1e-3")  # fmt: skip
    assert text.count("lr ") == 2


def test_the_scan_of_priors_reads_training_frames_alone(folder):
    (folder / "toy-test.extxyz.gz").unlink()
    text = run("priors/scan.py", folder, "toy", "--base", BASE, "-k", 1, "--draws", 1, "--only", "pair only")
    assert "pair only        k=1" in text


def test_the_time_of_a_fit_is_printed():
    text = run("benchmarks/fit_time.py", "--frames", 2, "--repeat", 1, "--runs", 1, "--species", 1)
    assert "fit of 2 frames of 16 atoms, 1 species" in text


@pytest.mark.slow
def test_the_memory_of_a_fit_to_many_frames_is_printed(folder):
    found = json.loads(run("benchmarks/stream.py", "--fit", "--frames", 12))
    assert found["frames"] == 12
    assert found["peak_GiB"] > 0.1


def test_the_rate_of_batches_is_printed():
    pytest.importorskip("mace", reason="the extra mace is not installed")
    mace = CALIBRATION / "mace-small" / "mace-small.model"
    text = run("benchmarks/batches.py", "--base", f"mace:{mace}", "--frames", 4, "--repeat", 1)
    assert "mace, frames of 12 atoms per second of CPU time, alone" in text


@pytest.mark.slow
def test_a_small_mace_is_trained(tmp_path):
    pytest.importorskip("mace", reason="the extra mace is not installed")
    text = run("mace-small/train.py", EXAMPLES / "HfO2" / "train.extxyz", tmp_path / "x.model", "--epochs", 2)
    assert "KiB" in text
    assert (tmp_path / "x.model").stat().st_size > 10_000


def test_the_doctor_is_measured_on_faults_and_on_clean_frames(folder):
    out = folder / "faults.json"
    text = run("doctor/faults.py", folder / "toy-train.extxyz.gz", "--base", BASE, "--json", out)
    assert "found wherever injected" in text
    found = json.loads(out.read_text())
    assert found["false_share_of_frames"] == 0.0
    assert {case["kind"] for case in found["cases"] if case["found"]} >= {"copies", "net force", "atoms too close"}
