"""The reference data of the project, where they are present, pass the checks of users' files."""

import pytest

from softfix.data import SoftfixWarning, read_frames
from softfix.errors import SoftfixError
from tests.conftest import SHARED

DATA = SHARED / "data"
LABELLED = sorted(
    path for path in (*DATA.glob("*.extxyz.gz"), *DATA.glob("gpaw/*.extxyz")) if "perfect" not in path.name
)


@pytest.mark.skipif(not LABELLED, reason=f"the reference data {DATA} are not on this machine")
class TestReferenceData:
    @pytest.mark.parametrize("path", LABELLED, ids=lambda path: path.name)
    def test_labelled_frames_are_read(self, path):
        if path.name == "CaMgO.extxyz":
            with pytest.warns(SoftfixWarning, match="3 of 24 frames repeat"):
                frames = read_frames(path)
        else:
            frames = read_frames(path)
        assert all(frame.forces is not None for frame in frames)
        assert all(frame.labels_from.startswith("REF_") for frame in frames)
        assert all(frame.config_type != "default" for frame in frames)

    def test_structures_without_labels_are_told(self):
        with pytest.raises(SoftfixError, match=r"phonons-perfect\.extxyz\.gz, frame 1 has no energy, forces or stress"):
            read_frames(DATA / "phonons-perfect.extxyz.gz")
