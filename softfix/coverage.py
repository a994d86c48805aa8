"""How often DFT lies within the error bars of a correction, and whether large error bars mark large errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from softfix.correct import corrected, uncertainty
from softfix.evaluations import evaluate_base
from softfix.measure import energy_errors

if TYPE_CHECKING:
    from softfix.bases.protocol import Base
    from softfix.correction import Correction
    from softfix.data.frames import Frame


class Share(BaseModel):
    """Errors that are below one and two standard deviations; a normal distribution would give 0.683 and 0.954."""

    model_config = ConfigDict(frozen=True)

    number: int  # of errors
    one_sigma: float
    two_sigma: float


class Coverage(BaseModel):
    """Error bars of force components against errors, and those of energies and stresses."""

    model_config = ConfigDict(frozen=True)

    components: int
    one_sigma: float  # share of components whose error is below one standard deviation
    two_sigma: float
    spearman: float | None  # rank correlation of |error| and standard deviation over atoms; None if either is constant
    energies: Share | None = None  # after a composition offset; None where that alone explains all
    stresses: Share | None = None


def coverage(
    correction: Correction, frames: Sequence[Frame], base: Base, track: Callable[[Iterable], Iterable] = iter
) -> Coverage | None:
    """Coverage of labelled frames; None if no frame has forces."""
    labelled = [frame for frame in frames if frame.forces is not None and frame.reference is None]
    evaluations = evaluate_base(base, labelled)
    predictions = corrected(correction, labelled, base)
    if not labelled:
        return None
    triples = zip(track(labelled), evaluations, predictions, strict=True)
    bars = [uncertainty(correction, frame, before, after.forces) for frame, before, after in triples]
    errors = [after.forces - frame.forces for frame, after in zip(labelled, predictions, strict=True)]
    of_energy = energy_errors(labelled, predictions)
    known = [bar.energy / len(f) for f, bar in zip(labelled, bars, strict=True) if f.energy is not None]
    of_stress = [
        (after.stress - frame.stress) / bar.stress
        for frame, after, bar in zip(labelled, predictions, bars, strict=True)
        if frame.stress is not None and after.stress is not None and bar.stress is not None
    ]
    return coverage_of(np.concatenate(errors), np.concatenate([bar.forces for bar in bars])).model_copy(
        update={
            "energies": None if of_energy is None else _share(of_energy / known),
            "stresses": _share(np.concatenate(of_stress)) if of_stress else None,
        }
    )


def _share(errors: np.ndarray) -> Share:
    """Of errors in standard deviations."""
    within = np.abs(errors)
    return Share(number=within.size, one_sigma=float((within < 1.0).mean()), two_sigma=float((within < 2.0).mean()))


def coverage_of(errors: np.ndarray, sizes: np.ndarray) -> Coverage:
    """Coverage of errors (atoms, 3) by standard deviations of the same shape, in eV/Å."""
    from scipy.stats import spearmanr

    within = _share(errors / sizes)
    of_atom, expected = np.linalg.norm(errors, axis=1), np.linalg.norm(sizes, axis=1)
    ranked = len(errors) > 2 and np.ptp(of_atom) > 0.0 and np.ptp(expected) > 0.0
    return Coverage(
        components=within.number,
        one_sigma=within.one_sigma,
        two_sigma=within.two_sigma,
        spearman=float(spearmanr(of_atom, expected).statistic) if ranked else None,
    )
