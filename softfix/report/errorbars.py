"""Whether the error bars of forces say how large the errors are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import erf, sqrt

import numpy as np

from softfix.correct import uncertainty
from softfix.correction import Correction
from softfix.coverage import coverage_of
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation
from softfix.report.numbers import ErrorBars
from softfix.report.quantity import quantity, series

STEPS = np.linspace(0.0, 3.0, 25)  # standard deviations
BINS = 12  # of equal numbers of components
MOST = 60  # frames whose error bars are computed


def error_bars(
    correction: Correction, frames: Sequence[Frame], base: Sequence[Evaluation], corrected: Sequence[Evaluation],
    track: Callable[[Iterable], Iterable] = iter,
) -> ErrorBars | None:  # fmt: skip
    """Error bars against errors of labelled frames, of evenly spaced ones where there are many; None without forces."""
    known = [i for i, frame in enumerate(frames) if frame.forces is not None and frame.reference is None]
    if not known:
        return None
    chosen = [known[k] for k in np.unique(np.linspace(0, len(known) - 1, min(MOST, len(known))).astype(int))]
    errors = np.concatenate([corrected[i].forces - frames[i].forces for i in chosen])
    sizes = np.concatenate(
        [uncertainty(correction, frames[i], base[i], corrected[i].forces).forces for i in track(chosen)]
    )
    return bars_of(errors, sizes)


def bars_of(errors: np.ndarray, sizes: np.ndarray) -> ErrorBars:
    """Calibration of errors (atoms, 3) by standard deviations of the same shape, in eV/Å."""
    found = coverage_of(errors, sizes)
    within = np.abs(errors) / sizes
    order = np.argsort(sizes, axis=None, kind="stable")
    bins = np.array_split(order, min(BINS, len(order)))

    def rms(values: np.ndarray) -> list[float]:
        return [float(np.sqrt((values.ravel()[part] ** 2).mean())) for part in bins]

    return ErrorBars(
        components=quantity(found.components, "components"),
        one_sigma=quantity(found.one_sigma, "share"),
        two_sigma=quantity(found.two_sigma, "share"),
        spearman=None if found.spearman is None else quantity(found.spearman),
        normal=series("normal distribution", "share", [erf(z / sqrt(2)) for z in STEPS]),
        observed=series("observed", "share", [float((within < z).mean()) for z in STEPS]),
        bin_bar=series("error bar", "eV/Å", rms(sizes)),
        bin_error=series("error", "eV/Å", rms(errors)),
    )
