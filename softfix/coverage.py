"""How often DFT lies within the error bars of a correction, and whether large error bars mark large errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from softfix.correct import corrected, uncertainty
from softfix.evaluations import evaluate_base

if TYPE_CHECKING:
    from softfix.bases.protocol import Base
    from softfix.correction import Correction
    from softfix.data.frames import Frame


class Coverage(BaseModel):
    """Error bars of force components against errors; a normal distribution would give 0.683 and 0.954."""

    model_config = ConfigDict(frozen=True)

    components: int
    one_sigma: float  # share of components whose error is below one standard deviation
    two_sigma: float
    spearman: float | None  # rank correlation of |error| and standard deviation over atoms; None if either is constant


def coverage(
    correction: Correction, frames: Sequence[Frame], base: Base, track: Callable[[Iterable], Iterable] = iter
) -> Coverage | None:
    """Coverage of the forces of labelled frames; None if no frame has forces."""
    errors, sizes = [], []
    labelled = [frame for frame in frames if frame.forces is not None and frame.reference is None]
    evaluations = evaluate_base(base, labelled)
    predictions = corrected(correction, labelled, base)
    for frame, evaluation, prediction in zip(track(labelled), evaluations, predictions, strict=True):
        errors.append(prediction.forces - frame.forces)
        sizes.append(uncertainty(correction, frame, evaluation, prediction.forces).forces)
    return coverage_of(np.concatenate(errors), np.concatenate(sizes)) if labelled else None


def coverage_of(errors: np.ndarray, sizes: np.ndarray) -> Coverage:
    """Coverage of errors (atoms, 3) by standard deviations of the same shape, in eV/Å."""
    from scipy.stats import spearmanr

    within = np.abs(errors) / sizes
    of_atom, expected = np.linalg.norm(errors, axis=1), np.linalg.norm(sizes, axis=1)
    ranked = len(errors) > 2 and np.ptp(of_atom) > 0.0 and np.ptp(expected) > 0.0
    return Coverage(
        components=errors.size,
        one_sigma=float((within < 1.0).mean()),
        two_sigma=float((within < 2.0).mean()),
        spearman=float(spearmanr(of_atom, expected).statistic) if ranked else None,
    )
