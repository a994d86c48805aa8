"""A clean set of toy frames, with EMT as the truth and a softer EMT as the base."""

import numpy as np
import pytest
from ase import Atoms

from softfix.data.labels import frame_of
from softfix.doctor import examine
from tests.conftest import labelled

SIDE = 3.9  # Å


def crystal(strain=(0.0, 0.0, 0.0)):
    """Ordered Cu3Au, its cubic cell twice along x, strained along the axes."""
    corners = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    atoms = Atoms("AuCu3", scaled_positions=corners, cell=np.eye(3) * SIDE, pbc=True) * (2, 1, 1)
    atoms.set_cell(atoms.cell.array * (1.0 + np.array(strain))[:, None], scale_atoms=True)
    return atoms


def rattled(seed: int):
    """The same crystal sheared and with its atoms displaced by 0.06 Å."""
    rng = np.random.default_rng(seed)
    atoms = crystal()
    strain = 0.01 * rng.normal(size=(3, 3))
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + (strain + strain.T) / 2), scale_atoms=True)
    atoms.rattle(0.06, rng=rng)
    return atoms


def still(seed: int):
    """The crystal in its own cell with its atoms displaced by 0.05 Å."""
    atoms = crystal()
    atoms.rattle(0.05, rng=np.random.default_rng(100 + seed))
    return atoms


def clean_set():
    """Twenty-two labelled frames: displaced, sheared, and perfect at three volumes."""
    images = [rattled(seed) for seed in range(10)] + [still(seed) for seed in range(9)]
    images += [crystal((strain, strain, strain)) for strain in (-0.02, 0.0, 0.02)]
    frames = []
    for number, atoms in enumerate(images, start=1):
        frame = labelled(atoms)
        frames.append(frame_of(_with(atoms, frame), source=f"toy.extxyz, frame {number}"))
    return frames


def _with(atoms, frame):
    atoms = atoms.copy()
    atoms.info.update(REF_energy=frame.energy, REF_stress=frame.stress)
    atoms.arrays["REF_forces"] = frame.forces
    return atoms


@pytest.fixture(scope="session")
def clean():
    return clean_set()


@pytest.fixture
def said(clean, soft_base):
    """Checks that find something, with the findings: `said(frames)` against the soft base, `base=None` without."""

    def examined(frames, base=soft_base, test=()):
        return {finding.check: finding for finding in examine(frames, base, test).findings}

    return examined
