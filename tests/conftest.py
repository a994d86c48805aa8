"""Toys that stand for a base and its truth, so that the fast tests need no torch."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from jaxtyping import install_import_hook

from softfix.compiled import keep_compiled

os.environ.setdefault("TYPER_STANDARD_TRACEBACK", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the workers and of the processes that tests start
keep_compiled(Path(__file__).resolve().parents[1] / ".pytest_cache/compiled")  # what one compiles the others use

with install_import_hook("softfix.core", "beartype.beartype"):
    import softfix.core.design
    import softfix.core.energy
    import softfix.core.evidence
    import softfix.core.posterior  # noqa: F401

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Keep every test's base evaluations apart from the user's."""
    monkeypatch.setenv("SOFTFIX_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def shared() -> Path:
    """Folder of reference data that stands beside the project where it was developed."""
    if not SHARED.is_dir():
        pytest.skip(f"the reference data {SHARED} are not on this machine")
    return SHARED


class SoftEMT(EMT):
    """EMT whose energy surface is too soft by a known factor."""

    softness = 0.8

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        for name in ("energy", "free_energy", "energies", "forces", "stress"):
            if name in self.results:
                self.results[name] = self.softness * self.results[name]


def alloy(seed: int, size: int = 2, rattle: float = 0.1):
    """Rattled, strained Cu-Au crystal of size^3 cubic cells."""
    rng = np.random.default_rng(seed)
    atoms = bulk("Cu", "fcc", a=3.8, cubic=True) * (size, size, size)
    atoms.symbols[rng.permutation(len(atoms))[: len(atoms) // 2]] = "Au"
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.02 * rng.normal(size=(3, 3))), scale_atoms=True)
    atoms.rattle(rattle, rng=rng)
    return atoms


def labelled(atoms):
    """Frame with the labels of EMT, the truth of the toys."""
    from softfix.data.labels import frame_of

    atoms = atoms.copy()
    atoms.calc = EMT()
    atoms.get_forces()
    atoms.get_stress()
    return frame_of(atoms)


@pytest.fixture
def soft_base():
    """Base made of SoftEMT."""
    from softfix.bases import load_base

    return load_base(SoftEMT())


@pytest.fixture
def frames():
    """Six labelled frames of Cu-Au."""
    return [labelled(alloy(seed)) for seed in range(6)]
