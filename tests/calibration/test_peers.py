"""The scripts of the scoreboard's peers: they start without their packages, and run where their environments are."""

import os
import py_compile
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "calibration" / "scoreboard" / "peers"
SCRIPTS = ["gap", "allegro", "franken"]
OPTIONS = {
    "allegro": ["--edge-steps", "20000"],
    "franken": ["--base-model", ROOT / "calibration" / "mace-small" / "mace-small.model"],
}


def run(*command, **environment):
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
        env=os.environ | environment,
    )


def environments():
    if "SOFTFIX_PEERS" not in os.environ:
        pytest.skip("SOFTFIX_PEERS does not name a folder with the environments of the peers")
    return Path(os.environ["SOFTFIX_PEERS"])


@pytest.mark.parametrize("name", [*SCRIPTS, "exchange"])
def test_a_script_compiles(name, tmp_path):
    py_compile.compile(str(PEERS / f"{name}.py"), cfile=str(tmp_path / "x.pyc"), doraise=True)


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_needs_neither_the_package_nor_ase(name):
    done = run(sys.executable, "-I", "-S", "-c", STARTED_BARE, PEERS / f"{name}.py")
    assert done.returncode == 0, done.stderr
    assert "predictions" in done.stdout


STARTED_BARE = """
import runpy, sys
from pathlib import Path
script = Path(sys.argv[1])
sys.path.insert(0, str(script.parent))
sys.argv = [str(script), "--help"]
runpy.run_path(str(script), run_name="__main__")
"""


def test_a_peer_that_is_not_there_is_refused_by_the_setup(tmp_path):
    done = run("bash", PEERS / "setup.sh", "nobody", tmp_path)
    assert done.returncode == 2
    assert "nobody" in done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_peer_fits_and_predicts(name, tmp_path):
    python = environments() / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{python} does not exist")
    frames = read(ROOT / "examples" / "HfO2" / "train.extxyz", ":")[:2]
    mean = np.mean([atoms.info["REF_energy"] for atoms in frames])
    for atoms in frames:
        atoms.info["REF_energy"] -= mean
    write(tmp_path / "frames.extxyz", frames)
    files = [tmp_path / "frames.extxyz", tmp_path / "frames.extxyz", tmp_path / "predictions.npz"]
    done = run(python, PEERS / f"{name}.py", *files, *OPTIONS.get(name, []), OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    predictions = np.load(files[-1])
    assert predictions["fit_seconds"] > 0.0
    assert predictions["fit_cpu_seconds"] > 0.0
    for i, atoms in enumerate(frames):
        assert np.isfinite(predictions[f"forces_{i}"]).all()
        assert predictions[f"forces_{i}"].shape == (len(atoms), 3)
        assert np.isfinite(predictions[f"energy_{i}"])
