"""The default protocol: what it says without running, and one tiny real calculation."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import softfix.label.gpaw
from softfix.data import LabelKeys, frame_of, read_frames
from softfix.errors import SoftfixError
from softfix.label import estimate, label_frames, load_protocol
from softfix.label.gpaw import GpawProtocol


def silicon(a=5.43):
    atoms = bulk("Si", a=a)
    atoms.positions[1] += [0.05, 0.02, -0.03]
    return frame_of(atoms, LabelKeys(required=False), "Si.extxyz, frame 1")


def test_gpaw_that_is_not_installed_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(softfix.label.gpaw, "installed_version", lambda _: None)
    with pytest.raises(SoftfixError, match=r"pip install 'softfix\[gpaw\]'"):
        label_frames([silicon()], GpawProtocol(), tmp_path / "labelled.extxyz")


def test_an_unknown_setting_is_named(tmp_path):
    (tmp_path / "dft.yaml").write_text("cutof: 500\n")
    with pytest.raises(SoftfixError, match="setting 'cutof'"):
        load_protocol("gpaw", tmp_path / "dft.yaml")


def test_settings_decide_digest_and_level(monkeypatch):
    monkeypatch.setattr(softfix.label.gpaw, "installed_version", lambda _: "26.7.0")
    one, other = GpawProtocol(), GpawProtocol(cutoff=500, magnetic_moments={"Fe": 4.0}, setups={"Fe": ":d,4.0"})
    assert one.level == "GPAW 26.7.0 PBE PW 600 eV, 3.5 k-points per 1/Angstrom, Fermi-Dirac 0.05 eV, spin-paired"
    assert other.level.endswith("spin-polarised (start: Fe 4), setup Fe :d,4.0")
    assert one.digest != other.digest
    assert one.digest == GpawProtocol(max_force=10.0).digest
    monkeypatch.setattr(softfix.label.gpaw, "installed_version", lambda _: "26.8.0")
    assert one.digest != GpawProtocol(max_force=10.0).model_copy(update={"cutoff": 601.0}).digest


def test_moments_of_an_element_alternate_or_are_the_same():
    iron = frame_of(bulk("Fe", cubic=True) * (2, 1, 1), LabelKeys(required=False))
    alike, turns = GpawProtocol(magnetic_moments={"Fe": 4.0}), GpawProtocol(magnetic_moments={"Fe": [4.0, -4.0]})
    assert alike.atoms(iron).get_initial_magnetic_moments().tolist() == [4.0, 4.0, 4.0, 4.0]
    assert turns.atoms(iron).get_initial_magnetic_moments().tolist() == [4.0, -4.0, 4.0, -4.0]
    assert "spin-polarised (start: Fe 4/-4)" in turns.conditions


def test_a_missing_setup_is_one_sentence(tmp_path):
    pytest.importorskip("gpaw", reason="GPAW is not installed: pip install 'softfix[gpaw]'")
    protocol = GpawProtocol(setups={"Si": "nonsense"})
    with pytest.raises(SoftfixError, match="no PAW setup nonsense of Si") as caught:
        label_frames([silicon()], protocol, tmp_path / "labelled.extxyz")
    assert "\n" not in str(caught.value)


def test_a_molecule_without_a_cell_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(softfix.label.gpaw, "installed_version", lambda _: "26.7.0")
    molecule = frame_of(Atoms("H2", [[0, 0, 0], [0, 0, 0.74]]), LabelKeys(required=False))
    with pytest.raises(SoftfixError, match="has no cell, which plane waves need"):
        label_frames([molecule], GpawProtocol(), tmp_path / "labelled.extxyz")


def test_a_dry_run_says_electrons_and_kpoints(tmp_path):
    pytest.importorskip("gpaw", reason="GPAW is not installed: pip install 'softfix[gpaw]'")
    (group,) = estimate([silicon()], GpawProtocol(kpoint_density=1.5), tmp_path / "labelled.extxyz").groups
    assert (group.electrons, group.kpoints) == (8.0, (4, 4, 4))


def test_a_grid_of_ones_own_holds_for_every_frame():
    protocol = GpawProtocol(kpoint_grid=(3, 3, 3))
    assert protocol.kpoints(silicon()) == protocol.kpoints(silicon(a=6.0)) == (3, 3, 3)
    assert "3x3x3 k-points" in protocol.conditions


@pytest.mark.dft
def test_labels_of_silicon_are_derivatives_and_an_unconverged_one_is_none(tmp_path):
    pytest.importorskip("gpaw", reason="GPAW is not installed: pip install 'softfix[gpaw]'")
    protocol = GpawProtocol(cutoff=200, kpoint_density=1.0, force_convergence=1e-4)
    step, frame = 0.01, silicon()
    moved = []
    for sign in (-1, 1):
        atoms = bulk("Si", a=5.43)
        atoms.positions[1] += [0.05 + sign * step, 0.02, -0.03]
        moved.append(frame_of(atoms, LabelKeys(required=False)))
    output = tmp_path / "labelled.extxyz"
    label_frames([frame, *moved], protocol, output)
    found, less, more = read_frames(output)
    assert found.forces[1, 0] == pytest.approx(-(more.energy - less.energy) / (2 * step), abs=5e-3)
    assert found.stress.shape == (6,)
    assert np.abs(found.forces.sum(axis=0)).max() < 1e-3
    assert found.level.startswith("GPAW ")
    hopeless = protocol.model_copy(update={"max_steps": 3})
    summary = label_frames([frame], hopeless, output)
    assert summary.failed[0][1].startswith("SCF not converged (KohnShamConvergenceError")


@pytest.mark.dft
def test_the_pulay_stress_makes_stress_the_derivative_at_fixed_cutoff():
    pytest.importorskip("gpaw", reason="GPAW is not installed: pip install 'softfix[gpaw]'")
    protocol = GpawProtocol(cutoff=200, kpoint_grid=(3, 3, 3))
    lengths = np.linspace(5.23, 5.63, 5)
    crystals = [frame_of(bulk("Si", a=a), LabelKeys(required=False)) for a in lengths]
    labels = [protocol.label(crystal, None) for crystal in crystals]
    volumes = np.array([crystal.volume for crystal in crystals])
    derivative = np.polyfit(volumes - volumes[2], [label.energy for label in labels], 3)[2]  # eV/Å^3
    corrected = protocol.model_copy(update={"pulay": True}).label(crystals[2], None)
    without, with_pulay = labels[2].stress[:3].mean() - derivative, corrected.stress[:3].mean() - derivative
    assert 4e-4 < without < 2e-3
    assert abs(with_pulay) < 0.4 * without
