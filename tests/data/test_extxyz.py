"""Extended XYZ as other codes write it, sound and damaged."""

import contextlib
import gzip

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

from softfix.data import LabelKeys, read_frames
from softfix.errors import SoftfixError

COLUMNS = "Properties=species:S:1:pos:R:3:REF_forces:R:3"
HEADER = f'Lattice="4 0 0 0 5 0 0 0 6" {COLUMNS} REF_energy=-1.5 config_type=a;b'
ATOMS = "Hf 0 0 0 0.1 0.2 0.3\nO 0 0 2.{number} -0.1 -0.2 -0.3\n"


def block(number: int = 1, header: str = HEADER) -> str:
    return f"2\n{header}\n{ATOMS.format(number=number)}"


@pytest.fixture
def xyz(tmp_path):
    def make(*blocks: str):
        path = tmp_path / "a.extxyz"
        path.write_text("".join(blocks))
        return path

    return make


def test_labels_and_metadata_are_read(xyz):
    one, two = read_frames(xyz(block(1), block(2)))
    assert (one.energy, one.config_type, one.labels_from) == (-1.5, "a;b", "REF_energy, REF_forces")
    assert np.array_equal(one.numbers, [72, 8])
    assert np.array_equal(one.cell, np.diag([4.0, 5.0, 6.0]))
    assert one.pbc.all()
    assert np.array_equal(one.forces, [[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]])
    assert one.stress is None
    assert two.positions[1, 2] == 2.2
    assert two.source.endswith("a.extxyz, frame 2")


def test_what_ase_writes_of_a_calculator_is_read_back(tmp_path):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    atoms.calc = EMT()
    energy, forces, stress = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
    write(tmp_path / "a.xyz", atoms)
    [frame] = read_frames(tmp_path / "a.xyz")
    assert frame.labels_from == "free_energy, forces, stress"
    assert frame.energy == pytest.approx(energy, abs=1e-8)
    assert np.allclose(frame.forces, forces, atol=1e-8)  # ASE writes 8 digits
    assert np.allclose(frame.stress, stress, atol=1e-8)


@pytest.mark.parametrize("key", ["stress", "REF_stress"])
@pytest.mark.parametrize(
    "numbers",
    ["0.1 0.2 0.3 0.04 0.05 0.06", "0.1 0.06 0.05 0.06 0.2 0.04 0.05 0.04 0.3"],
    ids=["six", "nine"],
)
def test_stress_is_read_in_either_form_under_either_key(xyz, key, numbers):
    [frame] = read_frames(xyz(block(header=f'{HEADER} {key}="{numbers}"')))
    assert np.array_equal(frame.stress, [0.1, 0.2, 0.3, 0.04, 0.05, 0.06])
    assert frame.labels_from.endswith(f", {key}")


@pytest.mark.parametrize("key", ["virial", "virials", "REF_virial", "REF_virials"])
def test_virials_in_ev_are_read_under_either_key(xyz, key):
    [frame] = read_frames(xyz(block(header=f'{HEADER} {key}="-12 0 0 0 -24 0 0 0 -36"')))
    assert np.allclose(frame.stress, [0.1, 0.2, 0.3, 0, 0, 0], atol=1e-15)


@pytest.mark.parametrize("key", ["stress", "REF_stress"])
def test_asymmetric_stress_is_refused_with_file_frame_and_asymmetry(xyz, key):
    path = xyz(block(1), block(2, f'{HEADER} {key}="0.1 0.06 0 0.01 0.2 0 0 0 0.3"'))
    with pytest.raises(SoftfixError, match=rf"a\.extxyz, frame 2: '{key}' is not symmetric .* is 0\.05 eV/Å\^3"):
        read_frames(path)


def test_explicit_key_is_read(xyz):
    [frame] = read_frames(xyz(block(header=f"{HEADER} my_energy=-7")), LabelKeys(energy="my_energy"))
    assert (frame.energy, frame.labels_from) == (-7.0, "my_energy, REF_forces")


def test_explicit_key_that_no_frame_has_is_refused_with_the_keys_present(xyz):
    with pytest.raises(SoftfixError, match=r"has no 'E' for the energy in any frame; .*REF_energy.*REF_forces"):
        read_frames(xyz(block()), LabelKeys(energy="E"))


def test_frame_without_labels_is_refused_with_the_keys_present(xyz):
    header = HEADER.replace("REF_energy", "e_dft").replace("REF_forces", "f_dft")
    path = xyz(block(1), block(2, header))
    with pytest.raises(SoftfixError, match=r"frame 2 has no energy.*e_dft.*per atom: f_dft.*--energy-key"):
        read_frames(path)


def test_file_cut_short_between_atoms_names_the_frame(xyz):
    path = xyz(block(1), block(2)[: -len("O 0 0 2.2 -0.1 -0.2 -0.3\n")])
    with pytest.raises(SoftfixError, match=r"a\.extxyz, frame 2 ends after 1 of 2 atoms: the file was cut short"):
        read_frames(path)


def test_file_cut_short_within_an_atom_names_the_frame(xyz):
    with pytest.raises(SoftfixError, match=r"a\.extxyz, frame 2 cannot be read"):
        read_frames(xyz(block(1), block(2)[:-12]))


def test_line_that_should_be_a_count_is_quoted(xyz):
    with pytest.raises(SoftfixError, match=r"frame 2 should begin with its number of atoms but reads 'two'"):
        read_frames(xyz(block(1), "two\n"))


def test_cut_gzip_is_told_with_its_frame(tmp_path):
    path = tmp_path / "a.extxyz.gz"
    rng = np.random.default_rng(0)
    text = "".join(block(int(number)) for number in rng.integers(0, 10**9, 2000))
    path.write_bytes(gzip.compress(text.encode())[:-2000])
    with pytest.raises(SoftfixError, match=r"a\.extxyz\.gz is damaged or cut short in frame \d{3,}"):
        read_frames(path)


def test_gzip_that_is_none_is_told(tmp_path):
    (tmp_path / "a.xyz.gz").write_text(block())
    with pytest.raises(SoftfixError, match=r"a\.xyz\.gz is damaged or cut short in frame 1 \(Not a gzipped file"):
        read_frames(tmp_path / "a.xyz.gz")


def test_binary_content_is_told(tmp_path):
    (tmp_path / "a.xyz").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(SoftfixError, match=r"a\.xyz is damaged or cut short in frame 1"):
        read_frames(tmp_path / "a.xyz")


def test_extended_xyz_of_another_name_is_known_by_its_content(tmp_path):
    (tmp_path / "frames.txt").write_text(block())
    [frame] = read_frames(tmp_path / "frames.txt")
    assert frame.energy == -1.5


def test_blank_lines_between_frames_are_passed_over(xyz):
    assert len(read_frames(xyz(block(1), "\n", block(2), "\n\n"))) == 2


def test_text_that_mentions_a_tensor_stays_as_it_is(xyz):
    header = f'{HEADER} level="PBE stress=off" stress="1 2 3 4 5 6"'
    [frame] = read_frames(xyz(block(header=header)))
    assert frame.level == "PBE stress=off"
    assert np.array_equal(frame.stress, [1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("seed", range(10))
def test_file_damaged_anywhere_is_read_or_told_in_a_sentence(xyz, seed):
    rng = np.random.default_rng(seed)
    whole = "".join(block(number, f'{HEADER} REF_stress="1 0 0 0 1 0 0 0 1"') for number in (1, 2, 3))
    for _ in range(20):
        place, length = rng.integers(len(whole)), rng.integers(1, 12)
        noise = "".join(rng.choice(list('x -"=9.\n'), rng.integers(0, 4)))
        path = xyz(whole[:place] + noise + whole[place + length :])
        with contextlib.suppress(SoftfixError):
            read_frames(path)
