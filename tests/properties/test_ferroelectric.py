"""Soft modes, polarisation, domain walls and order parameter of a ferroelectric that is known in closed form."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase.calculators.calculator import Parameters
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress

from softfix.bases import load_base
from softfix.data import LabelKeys, read_frames, write_frames
from softfix.data.frames import Frame
from softfix.errors import SoftfixError
from softfix.properties.born import MICROCOULOMB, charges_of
from softfix.properties.domain_wall import MILLIJOULE, DomainWallSettings
from softfix.properties.order_parameter import OrderParameterSettings
from softfix.properties.polarisation import PolarisationSettings
from softfix.properties.run import Potentials, measure_property
from softfix.properties.soft_modes import THZ, SoftModeSettings
from tests.properties.conftest import frames_of
from tests.properties.ferroelectric import CHARGE, CHARGES, A, Ferroelectric, U, phase

EXAMPLE = Path(__file__).parents[2] / "examples" / "PbTiO3"
WELL = Parameters(Ferroelectric.default_parameters)
BULK = MICROCOULOMB * CHARGE * U / A**3  # µC/cm^2


def potentials(**changes):
    return Potentials(load_base(Ferroelectric(**changes)))


def test_the_toy_is_conservative():
    atoms = phase(0.1) * (3, 1, 2)
    atoms.rattle(0.05, rng=np.random.default_rng(0))
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.01), scale_atoms=True)
    atoms.calc = Ferroelectric()
    assert atoms.get_forces() == pytest.approx(calculate_numerical_forces(atoms, eps=1e-4), abs=1e-6)
    assert atoms.get_stress() == pytest.approx(calculate_numerical_stress(atoms, eps=1e-5), abs=1e-7)


def soft_mode():
    """Frequency in THz and mode charge in e of the three modes of the parent cell."""
    lead, selenium = phase().get_masses()
    reduced = lead * selenium / (lead + selenium)
    frequency = -THZ * np.sqrt(4.0 * WELL.W / U**2 / reduced)
    return frequency, CHARGE * (lead + selenium) / np.hypot(lead, selenium)


def test_the_soft_modes_are_those_of_the_well(tmp_path):
    settings = SoftModeSettings(born_charges=CHARGES, distance=0.005)
    result = measure_property("soft-modes", frames_of(phase()), potentials(), tmp_path, None, settings)
    frequency, charge = soft_mode()
    assert result.row("softest frequency").base == pytest.approx(frequency, rel=2e-3)
    assert result.row("degeneracy of the softest frequency").base == 3
    assert result.row("unstable modes").base == 3
    assert result.row("effective charge of the softest modes").base == pytest.approx(charge, rel=1e-5)


def displaced_frames(calculator):
    """Parent and displaced cells with forces of the calculator plus a residual force that a code may leave."""
    frames = []
    for move in (np.zeros(3), [0.01, 0, 0], [0, 0, 0.01]):
        atoms = phase()
        atoms.positions[1] += move
        atoms.calc = calculator
        frames.append(Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, forces=atoms.get_forces()))
    return frames


def test_soft_modes_are_compared_with_labelled_displacements(tmp_path):
    reference = tmp_path / "displaced.extxyz"
    write_frames(reference, displaced_frames(Ferroelectric(W=0.2)))
    result = measure_property("soft-modes", frames_of(phase()), potentials(), tmp_path, reference)
    soft = result.row("softest frequency")
    assert soft.base / soft.reference == pytest.approx(0.5, rel=1e-3)
    error = result.row("frequency error (rms)").base
    assert error == pytest.approx(abs(soft.base - soft.reference), rel=1e-4)
    assert result.row("overlap with the soft modes of the reference").base == pytest.approx(1.0)


def test_displacements_that_tell_nothing_are_refused(tmp_path):
    frames = displaced_frames(Ferroelectric())
    other = Frame(frames[1].numbers, frames[1].positions, 1.01 * frames[1].cell, frames[1].pbc, forces=frames[1].forces)
    bare = Frame(frames[1].numbers, frames[1].positions, frames[1].cell, frames[1].pbc, energy=0.0)
    for wrong, words in (([other], "has another cell than structure 1"), ([bare], "has no forces"),
                         ([frames[0]], "no atom is displaced")):  # fmt: skip
        write_frames(tmp_path / "wrong.extxyz", wrong)
        with pytest.raises(SoftfixError, match=words):
            measure_property("soft-modes", frames_of(phase()), potentials(), tmp_path, tmp_path / "wrong.extxyz")


def test_the_polar_phase_relaxes_into_its_well(tmp_path):
    settings = PolarisationSettings(born_charges=CHARGES, relaxation={"force": 1e-4})
    reference = tmp_path / "relaxed.extxyz"
    write_frames(reference, frames_of(phase(), phase(U)))
    frames = frames_of(phase(), phase(0.1))
    result = measure_property("polarisation", frames, potentials(), tmp_path, reference, settings)
    polar = result.row("polarisation of structure 2")
    assert polar.reference == pytest.approx(BULK, rel=1e-6)
    assert polar.base == pytest.approx(BULK, rel=1e-2)
    assert result.row("c of structure 2").base == pytest.approx(A, abs=0.01)


def test_a_wide_domain_wall_is_the_kink_of_a_double_well(tmp_path):
    settings = DomainWallSettings(born_charges=CHARGES, cells=16, phase={"force": 1e-3}, relaxation={"force": 1e-3})
    reference = tmp_path / "values.json"
    reference.write_text(json.dumps({"wall energy": 100.0}))
    frames = frames_of(phase(), phase(U))
    wide = potentials(J=5.0)
    result = measure_property("domain-wall", frames, wide, tmp_path, reference, settings)
    kink = 4.0 / 3.0 * np.sqrt(2.0 * 5.0 * U**2 * WELL.W) / A**2 * MILLIJOULE
    assert result.row("wall energy").base == pytest.approx(kink, rel=0.02)
    assert result.row("wall energy").reference == 100.0
    assert result.row("polarisation in the middle of a domain").base == pytest.approx(BULK, rel=0.03)
    (profile,) = result.panels
    (line,) = profile.curves
    assert sum(y > 0 for y in line.y) in (7, 8)
    assert line.y[4] == pytest.approx(-line.y[12], rel=1e-3)


@pytest.mark.parametrize("normal", [0, 1, 2])
def test_walls_stand_across_any_axis(tmp_path, normal):
    settings = DomainWallSettings(born_charges=CHARGES, cells=4, normal=normal, place=0.75)
    result = measure_property("domain-wall", frames_of(phase(), phase(U)), potentials(), tmp_path, None, settings)
    assert sorted(np.sign(result.panels[0].curves[0].y)) == [-1, -1, 1, 1]
    assert result.row("wall energy").base > 0.0
    assert bool(result.notes) == (normal == 2)
    assert all("1.00 of itself along the normal: these walls are charged" in note for note in result.notes)


def test_where_the_polar_phase_stands_does_not_matter(tmp_path):
    settings = DomainWallSettings(born_charges=CHARGES, cells=4)
    shifted = phase(U)
    shifted.positions += 0.3
    found = [
        measure_property("domain-wall", frames_of(phase(), polar), potentials(), tmp_path / name, None, settings)
        for name, polar in (("as-it-is", phase(U)), ("shifted", shifted))
    ]
    one, other = (result.row("wall energy").base for result in found)
    assert one == pytest.approx(other, rel=1e-6)


def test_the_order_parameter_falls_with_temperature_and_a_run_goes_on(tmp_path):
    frames = frames_of(phase(), phase(U))
    settings = OrderParameterSettings(
        born_charges=CHARGES, temperatures=(20.0, 4000.0), repeats=(2, 2, 2), steps=200,
        conditions={"pressure": 0.0, "melting": 5.0, "timestep": 5.0, "closest": 0.2},
    )  # fmt: skip
    result = measure_property("order-parameter", frames, potentials(J=0.1), tmp_path, None, settings)
    cold, hot = (result.row(f"|mean P| at {T} K").base for T in (20, 4000))
    assert cold == pytest.approx(BULK, rel=0.1)
    assert hot < 0.7 * cold
    assert result.row("mean |P| at 4000 K").base >= hot
    steps = tmp_path / "order-parameter" / "steps.jsonl"
    lines = steps.read_bytes().splitlines(keepends=True)
    steps.write_bytes(b"".join(lines[:-1]))
    again = measure_property("order-parameter", frames, potentials(J=0.1), tmp_path, None, settings)
    assert again.rows == result.rows
    assert steps.read_bytes() == b"".join(lines)


def test_a_run_that_melts_is_told_and_does_not_count(tmp_path):
    settings = OrderParameterSettings(
        born_charges=CHARGES, temperatures=(3000.0,), steps=200, conditions={"melting": 0.01}
    )
    frames = frames_of(phase(), phase(U))
    result = measure_property("order-parameter", frames, potentials(), tmp_path, None, settings)
    assert result.rows == []
    assert "3000 K: the cell melted" in result.notes[0]
    assert "does not count" in result.notes[0]


@pytest.mark.parametrize(
    ("charges", "words"),
    [
        (None, "needs Born charges"),
        ({"Pb": 2.0}, "holds Se, which born_charges"),
        ({"Pb": 2.0, "Se": -1.0}, "sum to 1.00 e"),
        ({"Pb": 2.0, "Se": [np.diag([-2.0, -2.0, -2.0]).tolist()] * 2}, "gives 2 tensors for Se"),
    ],
)
def test_charges_that_do_not_serve_are_refused(charges, words):
    with pytest.raises(SoftfixError, match=words):
        charges_of(frames_of(phase())[0], charges)


def test_charges_by_number_tensor_and_atom_agree_and_sum_to_zero():
    parent = frames_of(phase())[0]
    tensor = np.diag([2.1, 2.1, 2.1])
    for given in (2.1, tensor.tolist(), [tensor.tolist()]):
        found = charges_of(parent, {"Pb": given, "Se": -2.0})
        assert found.sum(axis=0) == pytest.approx(np.zeros((3, 3)), abs=1e-12)
        assert found[0] == pytest.approx(np.diag([2.05] * 3))


def test_a_born_file_holds_the_atoms_that_symmetry_does_not_make_alike(tmp_path):
    """Zhong et al. 1994 for cubic PbTiO3, whose three O atoms differ by the direction of their bonds to Ti alone."""
    (parent,) = read_frames(EXAMPLE / "cubic.extxyz", LabelKeys(required=False))
    given = yaml.safe_load((EXAMPLE / "born.yaml").read_text())["born_charges"]
    tensors = [np.eye(3), given["Pb"] * np.eye(3), given["Ti"] * np.eye(3), np.array(given["O"][0])]
    born = tmp_path / "BORN"
    born.write_text("14.4\n" + "".join(" ".join(map(str, each.ravel())) + "\n" for each in tensors))
    read = PolarisationSettings.model_validate({"born_charges": str(born)}).born_charges
    assert charges_of(parent, read) == pytest.approx(charges_of(parent, given), abs=1e-9)
    with pytest.raises(SoftfixError, match=r"BORN is no BORN file of the cell of structure 1"):
        charges_of(frames_of(phase())[0], born)
    with pytest.raises(SoftfixError, match=r"absent, which born_charges .* names, cannot be read: No such"):
        charges_of(parent, tmp_path / "absent")


@pytest.mark.parametrize("name", ["domain-wall", "order-parameter"])
def test_one_structure_and_atoms_in_another_order_are_refused(tmp_path, name):
    with pytest.raises(SoftfixError, match="needs two structures, the parent phase and a polar one"):
        measure_property(name, frames_of(phase()), potentials(), tmp_path)
    with pytest.raises(SoftfixError, match="in the same order"):
        measure_property(name, frames_of(phase(), phase(U)[::-1]), potentials(), tmp_path)


def test_a_phase_that_is_not_polar_has_no_walls(tmp_path):
    settings = DomainWallSettings(born_charges=CHARGES)
    with pytest.raises(SoftfixError, match="relaxes to the parent phase"):
        measure_property("domain-wall", frames_of(phase(), phase()), potentials(), tmp_path, None, settings)


def test_like_atoms_in_another_order_are_refused(tmp_path):
    double = phase() * (1, 1, 2)
    frames = frames_of(double, double[[2, 1, 0, 3]])
    with pytest.raises(SoftfixError, match=r"structure 2: atom 0 .* is 4.0 Å from its site in structure 1"):
        measure_property("polarisation", frames, potentials(), tmp_path)
