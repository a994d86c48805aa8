"""The frames that the project ships: split as they say, and labelled consistently."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from softfix.data import read_frames
from tests.conftest import SHARED

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
COUNTS = {"HfO2": (10, 11), "BaTiO3": (20, 25)}
split_script = runpy.run_path(str(EXAMPLES / "split.py"))


def both(name: str):
    return [read_frames(EXAMPLES / name / f"{part}.extxyz") for part in ("train", "test")]


@pytest.mark.parametrize("name", COUNTS)
class TestExamples:
    def test_all_frames_read_with_all_labels(self, name):
        train, test = both(name)
        assert (len(train), len(test)) == COUNTS[name]
        for frame in train + test:
            assert frame.labels_from == "REF_energy, REF_forces, REF_stress"
            assert frame.level.startswith("GPAW 26.7 PBE PW(600)")

    def test_no_frame_is_in_both_parts(self, name):
        train, test = both(name)
        assert not {frame.content_hash for frame in train} & {frame.content_hash for frame in test}

    def test_every_phase_and_path_is_in_both_parts(self, name):
        train, test = ({frame.config_type.split(";")[0] for frame in part} for part in both(name))
        assert train == test

    def test_split_is_the_one_of_the_script(self, name, tmp_path, monkeypatch):
        source = SHARED / "data" / "gpaw" / f"{name}.extxyz"
        if not source.is_file():
            pytest.skip(f"the source {source} is not on this machine")
        arguments = ["split.py", str(source), str(tmp_path), "--train", str(COUNTS[name][0])]
        monkeypatch.setattr("sys.argv", arguments)
        split_script["main"]()
        for part in ("train", "test"):
            made = (tmp_path / f"{part}.extxyz").read_text()
            assert made == (EXAMPLES / name / f"{part}.extxyz").read_text()

    def test_net_force_vanishes(self, name):
        for frame in (frame for part in both(name) for frame in part):
            assert np.abs(frame.forces.sum(axis=0)).max() < 0.01 * len(frame)


def test_split_gives_both_parts_of_every_family_of_two():
    families = [*"aaaaabbbccdd"]
    train, test = split_script["split"](families, 6)
    assert sorted(train + test) == list(range(len(families)))
    assert {families[index] for index in train} == {families[index] for index in test} == set("abcd")


def test_split_does_not_look_at_labels():
    block = '2\nProperties=species:S:1 config_type=phase:cubic;strain:iso-0.04 REF_energy={} pbc="T T T"\nH\nH\n'
    assert {split_script["family_of"](block.format(energy)) for energy in (1.5, -2.5)} == {"phase:cubic;strain:iso"}


def test_stress_of_cubic_batio3_is_the_derivative_of_its_energy():
    frames = [frame for part in both("BaTiO3") for frame in part if "strain:iso" in frame.config_type]
    volumes, energies = np.array([(frame.volume, frame.energy) for frame in frames]).T
    scale = volumes.mean()
    slope = np.polyder(np.polyfit(volumes - scale, energies, len(frames) - 1))
    stress = [frame.stress[:3].mean() for frame in frames]
    assert np.allclose(np.polyval(slope, volumes - scale), stress, atol=1e-3)  # eV/Å^3; they span 0.25
