"""Which test atoms the correction reaches: inside its fence, in between, or left to the base."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from softfix.core.gate import fence, openness
from softfix.core.precision import in_float64
from softfix.correction import Correction
from softfix.data.frames import Frame
from softfix.report.groups import Predictions, by_atom
from softfix.report.numbers import Domain
from softfix.report.quantity import quantity, series
from softfix.rows import surroundings

WHOLE = 1e-9  # by which the fence of an atom inside may differ from 1, and of one outside from 0
EDGES = np.linspace(0.0, 1.0, 11)


def domain(
    correction: Correction, frames: Sequence[Frame], predictions: Predictions,
    track: Callable[[Iterable], Iterable] = iter,
) -> Domain:  # fmt: skip
    """Shares of the test atoms by the fence, how open the gate is to them, and the errors of each kind of atom."""
    fences, gates = zip(*(reached(correction, frame) for frame in track(frames)), strict=True)
    known = [np.isin(frame.numbers, correction.elements).all() for frame in frames]
    masks = {
        "inside the fence": [k & (h > 1.0 - WHOLE) for k, h in zip(known, fences, strict=True)],
        "on the fence": [k & (h >= WHOLE) & (h <= 1.0 - WHOLE) for k, h in zip(known, fences, strict=True)],
        "outside the fence": [k & (h < WHOLE) for k, h in zip(known, fences, strict=True)],
        "with an element outside the fit": [np.full(len(h), not k) for k, h in zip(known, fences, strict=True)],
    }
    inside, partly, outside, unknown = (float(np.concatenate(mask).mean()) for mask in masks.values())
    counts, _ = np.histogram(np.concatenate(gates), EDGES)
    return Domain(
        inside=quantity(inside, "share"),
        partly=quantity(partly, "share"),
        outside=quantity(outside, "share"),
        unknown=quantity(unknown, "share"),
        openness=series("gate, upper edge of the bin", "", EDGES[1:]),
        share=series("atoms", "share", counts / counts.sum()),
        groups=by_atom(frames, predictions, "fence", "Forces on the atoms that the correction reaches, or not.", masks),
    )


@in_float64
def reached(correction: Correction, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Fence h_i and gate g_i of every atom; 0 where the frame holds an element outside the fit, 1 without a gate."""
    if not np.isin(frame.numbers, correction.elements).all():
        return np.zeros(len(frame)), np.zeros(len(frame))
    if correction.gate is None:
        return np.ones(len(frame)), np.ones(len(frame))
    phi, species = surroundings(correction.basis, correction.elements, frame)
    of_basis = correction.basis, correction.gate, phi, species
    return np.asarray(fence(*of_basis)), np.asarray(openness(*of_basis))
