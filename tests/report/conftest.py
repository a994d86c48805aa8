"""One report of a toy, made once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tests.conftest import SoftEMT, alloy, labelled

SETTINGS = {"basis": {"pair_count": 8, "three_count": 2, "many_count": 3, "anchors": 16, "three_cutoff": 5.0}}


@dataclass(frozen=True)
class Toy:
    """A base that is too soft by 0.8, a correction of it, frames that were not fitted, and the numbers of both."""

    base: object
    tuned: object
    train: list
    frames: list
    correction: object
    numbers: object


def toy_frames(seeds):
    """Frames of Cu-Au that call themselves cold or hot, as if from a file."""
    return [
        replace(
            labelled(alloy(seed, size=1, rattle=0.2 if seed % 2 else 0.05)),
            config_type="hot" if seed % 2 else "cold",
            source=f"somewhere/toy.extxyz, frame {number}",
        )
        for number, seed in enumerate(seeds, start=1)
    ]


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    from ase.calculators.emt import EMT

    from softfix.bases import load_base
    from softfix.fitting import fit
    from softfix.report.build import report
    from softfix.settings import FitSettings

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTFIX_CACHE", str(tmp_path_factory.mktemp("cache")))
        base, tuned = load_base(SoftEMT()), load_base(EMT())
        train, frames = toy_frames(range(5)), toy_frames(range(5, 11))
        correction = fit(train, base, FitSettings.model_validate(SETTINGS)).correction
        numbers = report(correction, frames, base, tuned, md_steps=5)
    return Toy(base, tuned, train, frames, correction, numbers)
