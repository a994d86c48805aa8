"""The scripts of calibration/properties run on toys, and do not measure twice."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from softfix.bases import load_base
from softfix.data import write_frames
from softfix.data.labels import frame_of
from softfix.properties.elasticity import ElasticitySettings
from softfix.properties.elasticity import measure as elasticity
from softfix.properties.potential import Potential
from softfix.properties.property import Problem
from softfix.properties.steps import Steps
from softfix.properties.stiffness import hill, stiffened
from tests.calibration.test_dry_run import BASE, CALIBRATION, run
from tests.conftest import labelled

pytest.importorskip("matplotlib", reason="the extra report is not installed")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A compound of two elements in the form of the shared phonon sets."""
    monkeypatch.setenv("PYTHONPATH", str(CALIBRATION.parent))
    unit = Atoms("CuAu", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=[2.83, 2.83, 3.72], pbc=True)
    perfect, displaced = unit * (2, 2, 2), []
    for atom in (0, 1):
        for axis in (0, 2):
            moved = perfect.copy()
            moved.positions[atom, axis] += 0.01
            displaced.append(replace(labelled(moved), energy=None, stress=None, config_type="CuAu"))
    start = perfect.copy()
    start.info["config_type"] = "CuAu"
    write(tmp_path / "phonons-perfect.extxyz.gz", start, format="extxyz")
    write_frames(tmp_path / "phonons-displaced.extxyz.gz", displaced)
    return tmp_path


def test_phonons_of_a_soft_toy_are_mended_and_not_measured_twice(folder):
    text = run("properties/phonons.py", folder, "--base", BASE, "-k", 2, "--output", folder)
    (line,) = (json.loads(line) for line in (folder / "phonons.jsonl").read_text().splitlines())
    assert line["base force-constant slope"] == pytest.approx(0.8, abs=1e-3)
    assert line["base max frequency ratio"] == pytest.approx(np.sqrt(0.8), abs=1e-3)
    assert abs(line["corrected max frequency ratio"] - 1.0) < 0.3 * abs(line["base max frequency ratio"] - 1.0)
    assert "| 2 of 4 |" in (folder / "phonons.md").read_text()
    assert (folder / "phonons.svg").read_text().count("<svg") == 1
    assert run("properties/phonons.py", folder, "--base", BASE, "-k", 2, "--output", folder) == text
    assert len((folder / "phonons.jsonl").read_text().splitlines()) == 1


def test_stiffness_that_a_toy_lacks_is_found_on_one_half_and_mends_the_other(folder):
    cells = {"CuAu": ("CuAu", [[0, 0, 0], [0.5, 0.5, 0.5]], [2.83, 2.83, 3.72]), "Cu": ("Cu", [[0, 0, 0]], None)}
    materials = []
    for number, (formula, (symbols, places, edges)) in enumerate(2 * list(cells.items())):
        cell = np.diag(edges) if edges else np.array([[0, 1.8, 1.8], [1.8, 0, 1.8], [1.8, 1.8, 0]])
        atoms = Atoms(symbols, scaled_positions=places, cell=cell, pbc=True)
        dft = {f"{name}_modulus_vrh_GPa": value for name, value in stiffened_moduli(atoms, 0.2).items()}
        place = {"cell": cell.tolist(), "symbols": list(atoms.symbols), "scaled_positions": places}
        materials.append({"mp_id": f"mp-{number}", "formula": formula, **place, **dft})
    with gzip.open(folder / "elastic-binaries.json.gz", "wt") as file:
        json.dump(materials, file)
    text = run("properties/elasticity.py", folder, "--base", BASE, "--output", folder)
    assert "4 of 4 binaries are stable in the base" in " ".join(text.split())
    assert "given 0.20 of the bulk modulus more (0.20 to 0.20" in text
    (shear,) = (line.split("|") for line in text.splitlines() if line.startswith("| shear modulus"))
    assert float(shear[3]) > 5.0
    assert float(shear[4]) == pytest.approx(0.0, abs=0.05)
    assert json.loads(text.splitlines()[-1])["share"] == 0.2
    assert (folder / "elasticity.svg").read_text().count("<svg") == 1
    assert run("properties/elasticity.py", folder, "--base", BASE, "--output", folder) == text
    assert len((folder / "elasticity.jsonl").read_text().splitlines()) == 4


def stiffened_moduli(atoms, share):
    """Of the base, in GPa, with a share of the bulk modulus more against shear."""
    potential = Potential(load_base(BASE), None, Steps(Path(mkdtemp()) / "steps.jsonl"))
    found = elasticity(Problem([frame_of(atoms)], None, ElasticitySettings()), potential)
    return dict(zip(("bulk", "shear"), map(float, hill(stiffened(found.arrays["C"], share))), strict=True))


def test_walls_are_measured_on_one_geometry():
    lines = run("properties/wall.py", "--base", "ase.calculators.lj:LennardJones").splitlines()
    assert [line.split()[0] for line in lines] == ["GPAW", "base", "corrected"]
    assert lines[0] == "GPAW       unrelaxed  356.3 mJ/m^2, relaxed  332.7 mJ/m^2"


@pytest.mark.slow
@pytest.mark.parametrize("script", ["caomgo.py", "ferroelectrics.py"])
def test_scripts_of_gpaw_frames_print_their_table_and_do_not_measure_twice(folder, shared, script):
    command = f"properties/{script}", shared / "data", "--base", "ase.calculators.lj:LennardJones", "--output", folder
    text = run(*command)
    assert "| softfix" in text
    (results,) = folder.glob(f"{script.removesuffix('.py')}.json*")
    written = results.stat().st_mtime_ns
    assert run(*command) == text
    assert results.stat().st_mtime_ns == written


def test_soft_modes_of_two_materials_are_set_against_gpaw(folder):
    text = run("properties/soft_modes.py", "--base", "ase.calculators.lj:LennardJones", "--output", folder,
               "--folder", folder)  # fmt: skip
    assert "| PbTiO3 | softest frequency | -6.23 |" in text
    assert text.strip() in (folder / "soft-modes.md").read_text()
