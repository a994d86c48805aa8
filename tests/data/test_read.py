"""From paths to frames."""

import os
import subprocess
import sys

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

from softfix.data import LabelKeys, SoftfixWarning, read_frames
from softfix.errors import SoftfixError


def copper(seed: int, stretch: float = 0.1):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(stretch, seed=seed)
    atoms.calc = EMT()
    atoms.get_forces()
    return atoms


def test_frames_of_several_files_come_in_their_order(tmp_path):
    write(tmp_path / "a.xyz", [copper(1), copper(2)])
    write(tmp_path / "b.traj", copper(3))
    frames = read_frames([tmp_path / "b.traj", str(tmp_path / "a.xyz")])
    assert [frame.source.split("/")[-1] for frame in frames] == [
        "b.traj, frame 1",
        "a.xyz, frame 1",
        "a.xyz, frame 2",
    ]


def test_copies_in_different_files_are_noticed(tmp_path):
    write(tmp_path / "a.xyz", [copper(1), copper(2)])
    write(tmp_path / "b.xyz", copper(2))
    with pytest.warns(SoftfixWarning, match=r"1 of 3 frames repeat .*b\.xyz, frame 1 that of .*a\.xyz, frame 2"):
        read_frames([tmp_path / "a.xyz", tmp_path / "b.xyz"])


def test_huge_force_is_refused_until_the_limit_is_raised(tmp_path):
    path = tmp_path / "a.xyz"
    write(path, copper(1, stretch=0.5))
    with pytest.raises(SoftfixError, match=r"a\.xyz, frame 1: the force on atom \d \(Cu.*limit of 2"):
        read_frames(path, max_force=2.0)
    assert len(read_frames(path, max_force=1000.0)) == 1


def test_missing_file_is_told(tmp_path):
    with pytest.raises(SoftfixError, match=r"nowhere\.xyz does not exist: check the path"):
        read_frames(tmp_path / "nowhere.xyz")


def test_folder_is_told(tmp_path):
    with pytest.raises(SoftfixError, match=r"is a folder, not a file: name the files in it"):
        read_frames(tmp_path)


@pytest.mark.parametrize("name", ["a.xyz", "a.json", "phonopy_params.yaml", "OUTCAR"])
def test_empty_file_is_told(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(SoftfixError, match=rf"{name} is empty"):
        read_frames(tmp_path / name)


def test_file_of_blank_lines_holds_no_frames(tmp_path):
    (tmp_path / "a.xyz").write_text("\n\n")
    with pytest.raises(SoftfixError, match=r"a\.xyz holds no frames"):
        read_frames(tmp_path / "a.xyz")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="file permissions do not bind this user")
def test_locked_file_is_told(tmp_path):
    (tmp_path / "a.xyz").write_text("1\n")
    (tmp_path / "a.xyz").chmod(0)
    with pytest.raises(SoftfixError, match=r"a\.xyz cannot be opened \(Permission denied\)"):
        read_frames(tmp_path / "a.xyz")


def test_no_file_at_all_is_told():
    with pytest.raises(SoftfixError, match="No file of frames is given"):
        read_frames([])


def test_unknown_label_is_no_key():
    with pytest.raises(ValueError, match="dipole"):
        LabelKeys(dipole="mu")


def test_package_and_frames_load_no_reader():
    code = (
        "import sys, softfix.data; from softfix.data import Frame; softfix.data.frames;"
        "print({'ase', 'phonopy', 'vesin', 'pydantic', 'torch', 'jax'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
