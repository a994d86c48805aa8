"""Candidates that no DFT code should be asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from softfix.data.frames import Frame
from softfix.doctor.copies import alike
from softfix.dynamics import too_close
from softfix.sample.image import Image
from softfix.sample.settings import SampleSettings


def sound(images: Iterable[Image], settings: SampleSettings) -> tuple[list[Image], Counter[str]]:
    """The images that may be labelled, and how many others there were by reason."""
    kept, refused = list[Image](), Counter[str]()
    for one in images:
        if (reason := fault(one, settings)) is None:
            kept.append(one)
        else:
            refused[reason] += 1
    return kept, refused


def fault(one: Image, settings: SampleSettings) -> str | None:
    """Why a candidate is refused; None where nothing is wrong."""
    share = one.atoms.cell.volume / one.parent_volume
    if share < settings.volume[0]:
        return "collapsed cell"
    if share > settings.volume[1]:
        return "cell blown up"
    return None if too_close(one.atoms, settings.closest) is None else "atoms too close"


def different(frames: list[Frame]) -> list[Frame]:
    """Each structure once: rounding, translation, rotation and order of atoms make no other one."""
    again = {j for _, j in alike(frames)}
    return [frame for index, frame in enumerate(frames) if index not in again]
