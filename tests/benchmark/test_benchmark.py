"""The few-shot benchmark on a toy whose numbers are known."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from softfix.benchmark import METHODS, Cell, Plan, find_systems, run, summary
from softfix.benchmark.cells import Store
from softfix.benchmark.systems import draw
from softfix.data import read_frames, write_frames
from softfix.errors import SoftfixError
from tests.conftest import alloy, labelled

BASE = "tests.conftest:SoftEMT"
PLAN = Plan([BASE], ["base", "scalar", "softfix"], [1, 2], draws=2)


@pytest.fixture
def folder(tmp_path):
    for name, seeds in {"alloy": range(5), "other": range(10, 14)}.items():
        frames = [labelled(alloy(seed, size=1)) for seed in seeds]
        write_frames(tmp_path / f"{name}-train.extxyz", frames[:3])
        write_frames(tmp_path / f"{name}-test.extxyz", frames[3:])
    return tmp_path


def test_one_scalar_heals_a_base_that_is_soft_by_one_scalar(folder):
    store = run(find_systems(folder), PLAN, folder / "results.jsonl")
    found = summary(store.results.values(), BASE)
    assert set(found.base_mae) == {"alloy", "other"}
    entries = {(entry.system, entry.method, entry.k): entry for entry in found.entries}
    assert len(entries) == 2 * 2 * 2
    for entry in entries.values():
        assert entry.draws == 2
        assert entry.wall_s > 0.0
    scalar = entries["alloy", "scalar", 1]
    assert scalar.mean < 1e-6
    assert scalar.slope == pytest.approx(1.0)
    base = store.results[Cell(system="alloy", base=BASE, method="base", k=0, seed=0)]
    assert base.measures.softening_slope == pytest.approx(0.8)
    column = next(c for c in found.columns if (c.method, c.k) == ("softfix", 2))
    both = [entries[system, "softfix", 2].mean for system in ("alloy", "other")]
    assert column.geometric_mean == pytest.approx(np.sqrt(np.prod(both)))
    assert column.worst >= max(both)
    assert column.against_finetune is None
    corrected = entries["alloy", "softfix", 2].energy_mae_meV_atom
    assert column.energies.geometric_mean == pytest.approx(corrected / base.measures.energy_mae_meV_atom)
    assert entries["other", "softfix", 2].energy_mae_meV_atom is None  # its test file holds one frame


def test_the_cpu_time_of_a_method_counts_its_child_processes(folder):
    def predict(train, test, base, seed):
        busy = "import time\nwhile time.process_time() < 0.5: pass"
        subprocess.run([sys.executable, "-c", busy], check=True)
        return METHODS["base"].predict(train, test, base, seed)

    peer = replace(METHODS["base"], name="peer", predict=predict)
    plan = Plan([BASE], ["peer"], [1], draws=1)
    store = run(find_systems(folder, ["alloy"]), plan, folder / "results.jsonl", methods={"peer": peer})
    assert all(0.4 < result.cpu_s < 5.0 for result in store.results.values())


def test_draws_are_the_same_for_all_and_nested(folder):
    frames = read_frames(folder / "alloy-train.extxyz")
    assert draw(frames, 1, seed=4)[0] is draw(frames, 3, seed=4)[0]
    assert {id(f) for f in draw(frames, 3, seed=4)} == {id(f) for f in frames}


def test_a_size_that_takes_all_frames_is_measured_once_and_larger_ones_not(folder):
    cells = Plan([BASE], ["softfix"], [2, 3, 4], draws=3).cells({"alloy": 3})
    assert sorted((cell.k, cell.seed) for cell in cells) == [(2, 0), (2, 1), (2, 2), (3, 0)]


def test_what_was_measured_is_not_measured_again(folder, monkeypatch):
    path = folder / "results.jsonl"
    run(find_systems(folder), PLAN, path)
    before = path.read_text()
    monkeypatch.setattr("softfix.benchmark.runner.measure_cell", lambda *_: pytest.fail("measured again"))
    run(find_systems(folder), PLAN, path)
    assert path.read_text() == before


def test_other_settings_or_again_measure_anew(folder, monkeypatch):
    path = folder / "results.jsonl"
    plan = Plan([BASE], ["base", "scalar"], [1], draws=1)
    first = run(find_systems(folder, ["alloy"]), plan, path).results
    monkeypatch.setitem(METHODS, "scalar", replace(METHODS["scalar"], settings=lambda family: {"version": 2}))
    second = run(find_systems(folder, ["alloy"]), plan, path).results
    changed = {cell.method for cell in first if first[cell] != second[cell]}
    assert changed == {"scalar"}
    assert len(path.read_text().splitlines()) == len(second)
    third = run(find_systems(folder, ["alloy"]), plan, path, again=["base"]).results
    assert {cell.method for cell in second if second[cell].wall_s != third[cell].wall_s} >= {"base"}


def test_two_processes_give_what_one_gives(folder):
    one = run(find_systems(folder), PLAN, folder / "one.jsonl")
    two = run(find_systems(folder), PLAN, folder / "two.jsonl", workers=2)
    assert set(one.results) == set(two.results)
    for cell, result in one.results.items():
        other = two.results[cell].measures.force_mae_eV_A
        assert other == pytest.approx(result.measures.force_mae_eV_A, rel=1e-5, abs=1e-9)


def test_a_line_that_a_kill_cut_off_is_dropped_and_measured_again(folder):
    path = folder / "results.jsonl"
    plan = Plan([BASE], ["base", "scalar"], [1], draws=1)
    run(find_systems(folder, ["alloy"]), plan, path)
    whole = path.read_text()
    path.write_text(whole[:-40])
    assert len(Store(path).results) == 1
    run(find_systems(folder, ["alloy"]), plan, path)
    assert len(path.read_text().splitlines()) == 2


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "other.jsonl").write_text('{"a": 1}\n{"b": 2}\n')
    with pytest.raises(SoftfixError, match=r"other.jsonl, line 1 is not a result"):
        Store(tmp_path / "other.jsonl")


def test_the_command_goes_on_after_a_kill(folder):
    command = [sys.executable, "-m", "softfix", "benchmark", "few-shot", folder, "--base", BASE]
    command = [*map(str, command), "-k", "1", "-k", "2", "--draws", "2", "-o", str(folder / "results.jsonl")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    path = folder / "results.jsonl"
    deadline = time.monotonic() + 120
    while not (path.is_file() and path.read_text().count("\n") >= 2) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = path.read_text().splitlines()[:2]
    run_again = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run_again.returncode == 0, run_again.stderr
    assert "geometric mean" in run_again.stdout
    lines = path.read_text().splitlines()
    assert set(kept) <= set(lines)
    assert len({json.loads(line)["method"] for line in lines}) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing-folder"], "is not a folder"),
        (["."], "holds no pair of files"),
    ],
)
def test_a_wrong_folder_is_told(tmp_path, arguments, message):
    command = [sys.executable, "-m", "softfix", "benchmark", "few-shot", *arguments, "--base", BASE, "-o", "r.jsonl"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 1
    assert message in run.stderr


def test_an_unknown_method_and_system_are_told(folder):
    with pytest.raises(SoftfixError, match="no method magic; there are base, scalar, softfix, finetune"):
        run(find_systems(folder), Plan([BASE], ["magic"], [1], 1), folder / "r.jsonl")
    with pytest.raises(SoftfixError, match="has no system gold; it has alloy, other"):
        find_systems(folder, ["gold"])
