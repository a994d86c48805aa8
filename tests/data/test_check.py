"""Frames that would spoil a fit, one by one; each is told with file, frame and value."""

from dataclasses import replace

import numpy as np
import pytest

from softfix.data import Frame, SoftfixWarning, check_frames
from softfix.errors import SoftfixError

GOOD = Frame(
    numbers=np.array([72, 8]),
    positions=np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 2.0]]),
    cell=np.diag([4.0, 5.0, 6.0]),
    pbc=np.ones(3, dtype=bool),
    energy=-1.0,
    forces=np.array([[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]]),
    stress=np.zeros(6),
    source="a.xyz, frame 3",
)


def moved(x: float) -> Frame:
    return replace(GOOD, positions=np.array([[0.0, 0.0, 0.0], [x, 0.0, 2.0]]))


def changed(name: str, place, value) -> Frame:
    array = getattr(GOOD, name).copy()
    array[place] = value
    return replace(GOOD, **{name: array})


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (replace(GOOD, energy=np.nan), "the energy is nan"),
        (changed("forces", (1, 2), np.inf), r"the force of atom 1 \(O, counted from 0\) is inf"),
        (changed("stress", 4, np.nan), "the stress is nan"),
        (changed("positions", (1, 0), np.nan), r"the position of atom 1 \(O, counted from 0\) is nan"),
        (changed("cell", (0, 0), np.inf), "the cell is inf"),
        (changed("cell", (2, 2), 0.0), "is periodic but its cell has a volume of 0 Å"),
        (changed("numbers", 0, 0), r"atom 0 \(counted from 0\) is of no element"),
        (
            changed("forces", (0, 0), 60.0),
            r"the force on atom 0 \(Hf, .* is 60\.0 eV/Å, .* limit of 50: .*--max-force",
        ),
        (
            changed("positions", 1, [0, 0, 0.1]),
            r"atom 0 \(Hf.*atom 1 \(O.* are 0\.100 Å apart, less than 0\.3 Å",
        ),
        (changed("positions", 1, [0, 0, 5.8]), r"are 0\.200 Å apart"),
        (changed("positions", 1, [4, 5, 12]), r"are 0\.000 Å apart"),
        (
            replace(GOOD, numbers=GOOD.numbers[:0], positions=GOOD.positions[:0], forces=None),
            "holds no atoms",
        ),
    ],
    ids=[
        "NaN energy",
        "infinite force",
        "NaN stress",
        "NaN position",
        "infinite cell",
        "flat cell",
        "dummy atom",
        "huge force",
        "near atoms",
        "near atoms through the boundary",
        "image of another atom",
        "no atoms",
    ],
)
def test_bad_frame_is_refused_with_file_frame_and_value(frame, said):
    with pytest.raises(SoftfixError, match=rf"^a\.xyz, frame 3.*{said}"):
        check_frames([moved(0.1), frame])


def test_one_sound_frame_is_fine():
    check_frames([GOOD])


def test_limit_of_forces_can_be_raised():
    check_frames([changed("forces", (0, 0), 60.0)], max_force=70.0)


def test_molecule_without_a_cell_is_fine_and_its_atoms_are_compared_without_images():
    molecule = replace(GOOD, cell=np.zeros((3, 3)), pbc=np.zeros(3, dtype=bool), stress=None)
    check_frames([molecule])
    near = replace(molecule, positions=np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.1]]))
    with pytest.raises(SoftfixError, match=r"are 0\.100 Å apart"):
        check_frames([near])


def test_slab_is_periodic_in_its_plane_alone():
    slab = replace(changed("positions", 1, [0, 0, 5.9]), pbc=np.array([True, True, False]))
    check_frames([slab])
    beside = replace(changed("positions", 1, [3.9, 0, 0]), pbc=np.array([True, True, False]))
    with pytest.raises(SoftfixError, match=r"are 0\.100 Å apart"):
        check_frames([beside])


def test_frames_that_are_all_the_same_are_refused():
    again = replace(GOOD, energy=-2.0, source="b.xyz, frame 1")
    with pytest.raises(SoftfixError, match=r"All 3 frames, from a\.xyz, frame 3 on, are the same structure"):
        check_frames([GOOD, again, GOOD])


def test_some_copies_are_kept_with_a_warning_that_names_the_first():
    again = replace(GOOD, source="b.xyz, frame 1")
    said = r"1 of 3 frames repeat .* \(first: b\.xyz, frame 1 that of a\.xyz, frame 3\)"
    with pytest.warns(SoftfixWarning, match=said):
        check_frames([GOOD, moved(0.1), again])
