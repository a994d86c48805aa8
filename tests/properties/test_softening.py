"""The distribution of slopes over materials."""

import pytest
from ase.build import bulk

from softfix.bases import load_base
from softfix.errors import SoftfixError
from softfix.fitting import fit
from softfix.properties.run import Potentials, measure_property
from softfix.settings import FitSettings
from tests.conftest import SoftEMT, alloy, labelled


def test_a_softened_base_has_its_softness_everywhere_and_a_scale_mends_it(tmp_path):
    copper = bulk("Cu", cubic=True)
    copper.rattle(0.1, seed=0)
    frames = [labelled(alloy(0, size=1)), labelled(copper)]
    base = load_base(SoftEMT())
    correction = fit(frames, base, FitSettings(terms={"scale"}, domain="global")).correction
    result = measure_property("softening", frames, Potentials(base, correction), tmp_path)
    assert result.row("materials").base == 2
    assert result.row("median slope").base == pytest.approx(0.8, rel=1e-6)
    assert result.row("materials with a slope below 1").base == 100.0
    assert result.row("median slope").corrected == pytest.approx(1.0, abs=0.02)


def test_frames_at_rest_tell_nothing_and_are_refused(tmp_path):
    with pytest.raises(SoftfixError, match=r"no frame has DFT forces above 0\.01 eV/Å"):
        measure_property("softening", [labelled(bulk("Cu"))], Potentials(load_base(SoftEMT())), tmp_path)
