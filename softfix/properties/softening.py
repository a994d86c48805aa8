"""Softening over many materials: the slope of a potential's forces against DFT, material by material.

The protocol of Deng et al., npj Comput. Mater. 11, 9 (2025), doi:10.1038/s41524-024-01500-6, on any labelled frames:
those of one `config_type` (a material of the WBM format) or, where that is not given, of one formula, make one slope.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.errors import SoftfixError
from softfix.measure import slope
from softfix.properties.checks import formula
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property

BY = ("formula", "config_type")


class SofteningSettings(BaseModel):
    """What counts as one material."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str = Field("formula", pattern=f"^({'|'.join(BY)})$", description="formula or config_type.")
    quiet: float = Field(0.01, ge=0, description="eV/Å (rms); materials with smaller forces have no slope.")


def measure(problem: Problem, potential: Potential) -> Findings:
    """Distribution of the slopes of a potential."""
    groups = materials(problem.structures, problem.settings)
    structures = [atoms_of(frame) for frames in groups.values() for frame in frames]
    evaluations = iter(potential.evaluations(structures))
    slopes = []
    for frames in groups.values():
        own = np.concatenate([next(evaluations).forces for _ in frames])
        dft = np.concatenate([frame.forces for frame in frames])
        slopes.append(slope(dft, own))
    found = np.sort(np.array(slopes, dtype=float))
    values = [
        Value("materials", "", float(len(found))),
        Value("median slope", "", float(np.median(found))),
        Value("5th percentile of the slopes", "", float(np.percentile(found, 5))),
        Value("95th percentile of the slopes", "", float(np.percentile(found, 95))),
        Value("materials with a slope below 1", "%", 100.0 * float((found < 1.0).mean())),
    ]
    share = (np.arange(len(found)) + 0.5) / len(found)
    return Findings(values, [Drawing("slopes", "slope of forces", "share of materials below", [(found, share)])])


def read_reference(problem: Problem) -> Findings | None:
    """Nothing: the labels of the frames are the reference, and their slope is 1."""
    if problem.reference is not None:
        raise SoftfixError(f"{problem.reference} is not needed: the frames carry their DFT forces themselves.")
    return None


def materials(frames: Sequence[Frame], settings: SofteningSettings) -> dict[str, list[Frame]]:
    """Frames of each material whose forces say something.

    Raises:
        SoftfixError: if no frame has forces to speak of.
    """
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        if frame.forces is not None:
            groups[formula(frame) if settings.by == "formula" else frame.config_type].append(frame)
    loud = {name: found for name, found in groups.items() if _rms(found) > settings.quiet}
    if not loud:
        raise SoftfixError(
            f"{frames[0].source}: no frame has DFT forces above {settings.quiet:g} eV/Å (rms): give labelled frames "
            "away from equilibrium."
        )
    return loud


def _rms(frames: Sequence[Frame]) -> float:
    return float(np.sqrt(np.mean(np.concatenate([frame.forces for frame in frames]) ** 2)))


PROPERTY = Property(
    "softening", "Softening over materials", SofteningSettings, measure, read_reference, structures="several"
)
