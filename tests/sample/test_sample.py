"""Frames that recipes make, against what physics says of them."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write
from typer.testing import CliRunner

from softfix.cli import app
from softfix.data import LabelKeys, read_frames, write_frames
from softfix.data.labels import atoms_of, frame_of
from softfix.dynamics import Conditions, Dynamics, Stopped
from softfix.errors import SoftfixError
from softfix.sample import SampleSettings, sample
from softfix.sample.image import Image, Parent, Supply, image
from softfix.sample.modes import decomposed, symmetry_order
from softfix.sample.path import mapped, path, straight
from softfix.sample.phonon import displaced
from softfix.sample.refuse import different, fault
from softfix.sample.run import _frame
from softfix.sample.strain import strain_of, strained, strains
from softfix.sample.supercell import repeated
from softfix.settings import FitSettings

QUICK = FitSettings.model_validate(
    {"basis": {"pair_count": 6, "three_count": 2, "many_count": 3, "anchors": 16, "three_cutoff": 5.0}}
)
FEW = SampleSettings.model_validate({"pool": 3, "max_atoms": 8})
BARE = LabelKeys(required=False)


def copper(**keywords):
    return frame_of(bulk("Cu", "fcc", a=3.61, **keywords), source="Cu.cif")


def cscl(shift=0.0):
    """CsCl-like cell, doubled along z, its Au moved along z against each other by `shift` (Å)."""
    atoms = bulk("CuAu", "cesiumchloride", a=3.0).repeat((1, 1, 2))
    gold = np.flatnonzero(atoms.symbols == "Au")
    atoms.positions[gold, 2] += [shift, -shift]
    return atoms


def steps(dynamics, number):
    for _ in range(number):
        dynamics.step()


def supply(*atoms, wanted=8, calculator=EMT, **settings):
    parents = [Parent(f"phase {i}", each) for i, each in enumerate(atoms)]
    return Supply(parents, wanted, 0, SampleSettings.model_validate(settings), calculator)


def test_dynamics_keeps_the_temperature_that_was_asked_for():
    atoms = bulk("Cu", "fcc", a=3.61, cubic=True).repeat(2)
    atoms.calc = EMT()
    dynamics = Dynamics(atoms, Conditions(temperature=600.0, friction_time=20.0), np.random.default_rng(0))
    temperatures = []
    for step in range(400):
        dynamics.step()
        if step >= 100:
            temperatures.append(atoms.get_temperature())
    spread = 600.0 * np.sqrt(2 / (3 * len(atoms)))  # of the canonical ensemble
    assert np.mean(temperatures) == pytest.approx(600.0, abs=spread)
    assert np.std(temperatures) == pytest.approx(spread, rel=0.6)


@pytest.mark.parametrize("pressure", [None, 1.0])
def test_dynamics_goes_on_exactly_from_a_moment(pressure):
    def start():
        atoms = bulk("Cu", "fcc", a=3.61, cubic=True)
        atoms.calc = EMT()
        return atoms

    conditions = Conditions(temperature=300.0, pressure=pressure)
    whole = Dynamics(start(), conditions, np.random.default_rng(1))
    for step in range(20):
        if step == 7:
            moment = whole.moment
        whole.step()
    rest = Dynamics(start(), conditions, np.random.default_rng(99), moment)
    for _ in range(13):
        rest.step()
    exact = {"rtol": 0.0, "atol": 1e-12}  # EMT sums over neighbours in an order that depends on where it was before
    np.testing.assert_allclose(rest.atoms.positions, whole.atoms.positions, **exact)
    np.testing.assert_allclose(rest.atoms.cell.array, whole.atoms.cell.array, **exact)
    assert (pressure is None) == np.array_equal(whole.atoms.cell.array, start().cell.array)


def test_a_cell_that_melts_is_told_and_the_run_ends():
    atoms = bulk("Cu", "fcc", a=4.0, cubic=True).repeat(2)
    atoms.calc = EMT()
    dynamics = Dynamics(atoms, Conditions(temperature=4000.0, melting=0.2, closest=0.3), np.random.default_rng(0))
    with pytest.raises(Stopped, match=r"the cell melted: atoms moved by 0\.2"):
        steps(dynamics, 2000)


def test_a_time_step_far_too_long_blows_up_and_is_told():
    atoms = bulk("Cu", "fcc", a=3.61, cubic=True)
    atoms.calc = EMT()
    dynamics = Dynamics(atoms, Conditions(temperature=600.0, timestep=60.0), np.random.default_rng(0))
    with pytest.raises(Stopped, match="blew up"):
        steps(dynamics, 300)


def test_a_run_that_melts_becomes_a_note_and_other_frames_remain():
    hot = FEW.heated([20000.0])
    made = sample([copper()], "high-energy", 2, EMT, settings=hot, fit_settings=QUICK)
    assert len(made.frames) == 2
    assert any("Cu.cif at 20000 K" in note and "Ask for a lower temperature" in note for note in made.notes)


def test_the_same_seed_gives_the_same_frames_and_another_others():
    def positions(seed):
        made = sample([copper()], "high-energy", 3, EMT, seed, FEW, fit_settings=QUICK)
        return [(frame.config_type, frame.positions.tobytes()) for frame in made.frames]

    assert positions(3) == positions(3)
    assert positions(3) != positions(4)


def test_every_frame_carries_where_it_comes_from_through_a_file(tmp_path):
    made = sample([copper()], "strain", 3, settings=FEW, seed=5, fit_settings=QUICK)
    write_frames(tmp_path / "frames.extxyz", made.frames)
    for frame, again in zip(made.frames, read_frames(tmp_path / "frames.extxyz", BARE), strict=True):
        assert again.provenance == {"recipe": "strain", "seed": "5", "parent": "Cu.cif"}
        assert again.config_type == frame.config_type
        assert again.config_type.startswith("kind:strain;strain:")


def test_a_strain_changes_the_volume_by_its_determinant_and_no_fractional_coordinate():
    atoms = cscl(0.1)
    strain = strain_of(np.array([0.03, -0.02, 0.01, 0.02, -0.01, 0.005]))
    changed = strained(atoms, strain)
    assert changed.cell.volume / atoms.cell.volume == pytest.approx(np.linalg.det(np.eye(3) + strain), rel=1e-12)
    np.testing.assert_allclose(changed.get_scaled_positions(), atoms.get_scaled_positions(), atol=1e-12)
    for one in strains(supply(atoms, wanted=20, strain_rattle=0.0), 1.0):
        said = float(one.config_type.rpartition(":")[2])
        assert one.atoms.cell.volume / atoms.cell.volume == pytest.approx(said, rel=1e-5)


def test_the_middle_of_a_straight_path_is_the_mean_over_cell_borders():
    first, last = cscl(), cscl(0.2)
    last.set_cell(last.cell.array * 1.04, scale_atoms=True)
    shuffled = last[[3, 2, 1, 0]]
    shuffled.positions += shuffled.cell.array[0] * 0.999
    shuffled.wrap()
    end = mapped(shuffled, Parent("a", first), Parent("b", shuffled))
    (middle,) = straight(first, end, [0.5])
    np.testing.assert_allclose(middle.cell.array, 0.5 * (first.cell.array + last.cell.array))
    moved = middle.get_scaled_positions(wrap=False) - first.get_scaled_positions()
    exact = 0.5 * (last.get_scaled_positions(wrap=False) - first.get_scaled_positions())
    np.testing.assert_allclose(np.abs(moved), np.abs(exact - exact.mean(axis=0)), atol=1e-9)  # the mirror image serves


def test_a_path_stops_one_image_before_both_ends():
    ends = (cscl(), cscl(0.2))
    images = list(path(supply(*ends, images=3, wanted=1)))
    assert [one.config_type for one in images] == [f"kind:path;line:straight;at:{at:g}" for at in (0.25, 0.5, 0.75)]


def test_a_band_passes_lower_than_the_straight_line():
    start = bulk("Cu", "fcc", a=3.61, cubic=True).repeat((2, 1, 1))
    del start[0]
    end = start.copy()
    end.positions[0] = [0.0, 0.0, 0.0]  # the neighbour of the vacancy hops into it
    highest = {}
    for neb in (False, True):
        images = [one.atoms for one in path(supply(start, end, images=3, wanted=1, neb=neb))]
        energies = []
        for atoms in images:
            atoms.calc = EMT()
            energies.append(atoms.get_potential_energy())
        highest[neb] = max(energies)
    assert highest[True] < highest[False] - 5e-4


def test_phonon_displacements_have_the_length_and_number_that_symmetry_leaves():
    crystal = bulk("Cu", "fcc", a=3.61, cubic=True)
    (one,) = displaced(supply(crystal, displacement=0.05))
    moved = one.atoms.get_scaled_positions() - crystal.get_scaled_positions()
    length = np.linalg.norm((moved - np.round(moved)) @ crystal.cell.array, axis=1)
    np.testing.assert_allclose(sorted(length), [0, 0, 0, 0.05], atol=1e-9)
    random = list(displaced(supply(crystal, wanted=3, displacement=0.05, random_displacements=True)))
    assert len(random) == 3
    moved = random[0].atoms.get_scaled_positions() - crystal.get_scaled_positions()
    length = np.linalg.norm((moved - np.round(moved)) @ crystal.cell.array, axis=1)
    np.testing.assert_allclose(length, 0.05, atol=1e-9)


def test_symmetry_modes_sum_to_the_distortion_and_a_pure_mode_is_one_of_them():
    crystal = cscl()
    assert symmetry_order(crystal) > symmetry_order(cscl(0.1))
    distortion = cscl(0.1).positions - crystal.positions  # both Au against each other: one irreducible representation
    (mode,) = decomposed(crystal, distortion, EMT())
    np.testing.assert_allclose(mode.displacement, distortion, atol=1e-6)
    mixed = distortion + np.array([[0, 0, 0.05], [0, 0, 0], [0, 0, -0.05], [0, 0, 0]])
    mixed -= mixed.mean(axis=0)
    parts = decomposed(crystal, mixed, EMT())
    np.testing.assert_allclose(sum(part.displacement for part in parts), mixed, atol=1e-3)
    assert sum(part.share for part in parts) == pytest.approx(1.0, abs=0.05)


def test_minimalist_frames_hold_phases_rattles_strains_and_both_kinds_of_path():
    phases = [frame_of(cscl(shift), source=name) for shift, name in ((0.0, "high"), (0.15, "low"))]
    settings = SampleSettings.model_validate({"pool": 1, "min_atoms": 4, "images": 3})
    made = sample(phases, "minimalist", 40, EMT, settings=settings, fit_settings=QUICK)
    kinds = {frame.config_type.split(";")[0] for frame in made.frames}
    assert kinds == {"kind:phase", "kind:rattle", "kind:strain", "kind:path", "kind:mode"}
    assert {frame.provenance["parent"] for frame in made.frames} == {"high", "low", "high -> low"}
    without = sample(phases, "minimalist", 4, settings=settings, fit_settings=QUICK)
    assert any("symmetry modes need a potential" in note for note in without.notes)


def test_a_small_cell_is_repeated_evenly_and_one_too_large_is_refused():
    cell = bulk("Cu", "fcc", a=3.61)
    large = repeated(cell, "Cu.cif", 5, 10)
    assert len(large) == 8
    np.testing.assert_allclose(large.cell.lengths(), 2 * cell.cell.lengths())
    with pytest.raises(SoftfixError, match=r"Cu.cif has 8 atoms, more than max_atoms = 7"):
        repeated(large, "Cu.cif", 5, 7)
    with pytest.raises(SoftfixError, match="no repetition has between min_atoms = 5 and max_atoms = 5"):
        repeated(bulk("Cu", "fcc", a=3.61, cubic=True), "Cu.cif", 5, 5)
    with pytest.raises(SoftfixError, match="not periodic"):
        repeated(Atoms("Cu"), "Cu.xyz", 1, 5)


def test_collapsed_cells_near_atoms_and_copies_are_refused():
    parent = Parent("Cu", bulk("Cu", "fcc", a=3.61, cubic=True))
    settings = SampleSettings()

    def scaled(factor):
        atoms = parent.atoms.copy()
        atoms.set_cell(atoms.cell.array * factor, scale_atoms=True)
        return image(parent, atoms, kind="test")

    assert fault(scaled(1.0), settings) is None
    assert fault(scaled(0.8), settings) == "collapsed cell"
    assert fault(scaled(1.3), settings) == "cell blown up"
    near = parent.atoms.copy()
    near.positions[1] = near.positions[0] + [0.0, 0.0, 1.5]
    assert fault(image(parent, near, kind="test"), settings) == "atoms too close"
    turned = parent.atoms[[2, 0, 3, 1]]
    turned.positions += 0.3
    frames = [_frame(Image(atoms, "x", "Cu", 1.0), "strain", 0, 1) for atoms in (parent.atoms, turned, near)]
    assert len(different(frames)) == 2


@pytest.mark.parametrize(
    ("recipe", "calculator", "words"),
    [
        ("hot", EMT, "Recipe 'hot' is not known: give one of high-energy"),
        ("high-energy", None, "needs a potential: give --base"),
        ("path", EMT, "needs two structures or more"),
    ],
)
def test_what_a_recipe_cannot_do_is_told(recipe, calculator, words):
    with pytest.raises(SoftfixError, match=words):
        sample([copper()], recipe, 2, calculator, settings=FEW, fit_settings=QUICK)


def test_ends_of_a_path_that_hold_other_atoms_are_refused():
    ends = [copper(cubic=True), frame_of(bulk("Au", "fcc", a=4.0, cubic=True), source="Au.cif")]
    with pytest.raises(SoftfixError, match=r"Cu.cif \(Cu8\) and Au.cif \(Au8\) hold different atoms"):
        sample(ends, "path", 2, settings=SampleSettings(max_atoms=8), fit_settings=QUICK)


def test_a_frame_under_which_atoms_sit_on_each_other_is_refused():
    atoms = bulk("Cu", "fcc", a=3.61, cubic=True)
    atoms.positions[1] = atoms.positions[0] + 0.01
    with pytest.raises(SoftfixError, match="apart, less than"):
        sample([frame_of(atoms, source="bad.cif")], "strain", 2, settings=FEW, fit_settings=QUICK)


@pytest.mark.parametrize("name", ["Cu.cif", "POSCAR", "Cu.extxyz"])
def test_the_command_reads_what_ase_reads(name, tmp_path):
    write(tmp_path / name, bulk("Cu", "fcc", a=3.61), format="vasp" if name == "POSCAR" else None)
    (tmp_path / "few.yaml").write_text("pool: 1\nmax_atoms: 8\n")
    arguments = ["sample", str(tmp_path / name), "--recipe", "strain", "-n", "2", "--config",
                 str(tmp_path / "few.yaml"), "-o", str(tmp_path / "frames.extxyz")]  # fmt: skip
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0, told.output
    assert "Chose 2 of 2 candidates" in told.output
    for frame in read_frames(tmp_path / "frames.extxyz", BARE):
        assert frame.provenance["parent"].startswith(str(tmp_path / name))
        assert len(atoms_of(frame)) == 8


def test_two_potentials_and_a_temperature_of_nothing_are_refused(tmp_path):
    write(tmp_path / "Cu.cif", bulk("Cu", "fcc", a=3.61))
    common = ["sample", str(tmp_path / "Cu.cif"), "--recipe", "high-energy", "-n", "2", "-o", str(tmp_path / "x.xyz")]
    both = CliRunner().invoke(app, [*common, "--base", "ase.calculators.emt:EMT", "--correction", "y.softfix"])
    assert "not both" in str(both.exception)
    cold = CliRunner().invoke(app, [*common, "--base", "ase.calculators.emt:EMT", "--temperature", "-3"])
    assert "-3 K is not above zero" in str(cold.exception)
    assert not (tmp_path / "x.xyz").exists()
