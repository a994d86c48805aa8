"""Writing and reading again."""

from dataclasses import replace

import numpy as np
import pytest
from ase.io import read

from softfix.data import Frame, read_frames, write_frames
from softfix.errors import SoftfixError


def some_frame(seed: int, **changed) -> Frame:
    rng = np.random.default_rng(seed)
    frame = Frame(
        numbers=np.array([72, 8, 8]),
        positions=rng.normal(size=(3, 3)) + 3.0 * np.eye(3),
        cell=8 * np.eye(3) + rng.normal(size=(3, 3)),
        pbc=np.ones(3, dtype=bool),
        energy=float(rng.normal()),
        forces=rng.normal(size=(3, 3)),
        stress=rng.normal(size=6),
        config_type="phase:cubic;strain:iso+0.02",
        level='GPAW 26.7 "PBE" PW(600)',
    )
    return replace(frame, **changed)


def assert_same(read: Frame, written: Frame) -> None:
    assert read.content_hash == written.content_hash
    assert (read.energy, read.config_type, read.level) == (written.energy, written.config_type, written.level)
    for one, other in ((read.forces, written.forces), (read.stress, written.stress)):
        assert (one is None) == (other is None)
        assert one is None or np.array_equal(one, other)


@pytest.mark.parametrize("name", ["a.extxyz", "a.xyz", "a.extxyz.gz"])
def test_frames_come_back_to_the_last_bit(tmp_path, name):
    frames = [
        some_frame(1),
        some_frame(2, stress=None, level=None),
        some_frame(3, energy=None),
        some_frame(4, forces=None, pbc=np.array([True, True, False])),
        some_frame(5, cell=np.zeros((3, 3)), pbc=np.zeros(3, dtype=bool), stress=None),
    ]
    write_frames(tmp_path / name, frames)
    for one, other in zip(read_frames(tmp_path / name), frames, strict=True):
        assert_same(one, other)


def test_ase_reads_what_is_written(tmp_path):
    frame = some_frame(1)
    write_frames(tmp_path / "a.extxyz.gz", [frame])
    atoms = read(tmp_path / "a.extxyz.gz")
    assert atoms.info["REF_energy"] == frame.energy
    assert np.array_equal(atoms.arrays["REF_forces"], frame.forces)
    assert np.array_equal(atoms.cell.array, frame.cell)


def test_same_frames_give_the_same_bytes(tmp_path):
    for name in ("a.xyz.gz", "b.xyz.gz"):
        write_frames(tmp_path / name, [some_frame(1)])
    assert (tmp_path / "a.xyz.gz").read_bytes() == (tmp_path / "b.xyz.gz").read_bytes()


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.xyz"
    write_frames(path, [some_frame(1)])
    before = path.read_bytes()
    with pytest.raises(SoftfixError, match="differences against a perfect structure"):
        write_frames(path, [some_frame(2), some_frame(3, reference=some_frame(4))])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
