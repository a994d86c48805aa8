"""Barriers: of a symmetric hop, of a made-up path, and of a vacancy whose two ends are alike."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from softfix.bases import load_base
from softfix.errors import SoftfixError
from softfix.properties.barrier import BarrierSettings, findings_of
from softfix.properties.run import Potentials, measure_property
from tests.conftest import SoftEMT, labelled
from tests.properties.conftest import frames_of


def hop():
    """Two neighbouring vacancies of copper, atoms in the same order."""
    perfect = bulk("Cu", a=3.6, cubic=True) * (2, 2, 2)
    neighbour = int(np.argsort(perfect.get_distances(0, range(len(perfect)), mic=True))[1])
    start = perfect.copy()
    end = perfect.copy()
    end.positions[neighbour] += perfect.get_distance(neighbour, 0, mic=True, vector=True)
    del start[0], end[0]
    return start, end


def test_a_made_up_path_has_its_barriers():
    values = {value.quantity: value.value for value in findings_of(np.array([1.0, 1.6, 1.2]), "static").values}
    assert values["static barrier forward"] == pytest.approx(0.6)
    assert values["static barrier backward"] == pytest.approx(0.4)
    assert values["static kinetically resolved barrier"] == pytest.approx(0.5)


def test_a_hop_between_equal_sites_has_equal_barriers_and_relaxation_lowers_them(tmp_path):
    potentials = Potentials(load_base(EMT()))
    result = measure_property("barrier", frames_of(*hop()), potentials, tmp_path, quick=True)
    forward, backward = (result.row(f"relaxed barrier {way}").base for way in ("forward", "backward"))
    static, reverse = (result.row(f"static barrier {way}").base for way in ("forward", "backward"))
    assert forward == pytest.approx(backward, abs=0.01)
    assert static == pytest.approx(reverse, abs=1e-3)
    assert 0.3 < forward < static  # eV
    steps = (tmp_path / "barrier" / "steps.jsonl").read_text()
    again = measure_property("barrier", frames_of(*hop()), potentials, tmp_path, quick=True)
    assert again.rows == result.rows
    assert (tmp_path / "barrier" / "steps.jsonl").read_text() == steps


def test_labelled_images_are_their_own_reference(tmp_path):
    start, end = hop()
    images = [start.copy() for _ in range(5)]
    for image, share in zip(images, np.linspace(0.0, 1.0, 5), strict=True):
        image.positions += share * (end.positions - start.positions)
    settings = BarrierSettings(relax=False)
    potentials = Potentials(load_base(SoftEMT()))
    result = measure_property("barrier", [labelled(image) for image in images], potentials, tmp_path, None, settings)
    row = result.row("static kinetically resolved barrier")
    assert row.base == pytest.approx(0.8 * row.reference, rel=1e-6)
    assert result.row("static path, energy MAE").base > 0


def test_ends_of_other_atoms_are_refused(tmp_path):
    start, end = hop()
    end.symbols[0] = "Au"
    with pytest.raises(SoftfixError, match=r"structure 2 .*should hold the atoms of structure 1"):
        measure_property("barrier", frames_of(start, end), Potentials(load_base(EMT())), tmp_path)
    with pytest.raises(SoftfixError, match="needs the two ends of a path"):
        measure_property("barrier", frames_of(start), Potentials(load_base(EMT())), tmp_path)
