"""How well a form of the correction does on parts of the frames left out in turn, from their statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from softfix.core.posterior import Normal, Posterior
from softfix.core.statistics import KINDS, Statistics, squared_error
from softfix.correction import HeldOut
from softfix.folds import FOLDS
from softfix.threads import side_by_side

UNITS = {"energy": "eV/atom", "forces": "eV/Å", "stress": "eV/Å^3"}


class Calibration(NamedTuple):
    """Size of the errors on the parts left out, in standard deviations that their posterior and the noise expect."""

    main: float  # of the kind of label that matters most
    energy: float | None = None  # None where parts have no such labels
    stress: float | None = None


def calibration_of(folds: Sequence[Statistics], parts: Sequence[Posterior], noise: np.ndarray) -> Calibration:
    """How much larger errors are than error bars, for every kind of label.

    A part whose composition no other has says nothing of energies: each part counts alike for those and for stresses.
    Few labels can't vouch for errors that are smaller than expected.
    """

    def of_part(place: int) -> np.ndarray:
        """(2, kinds) squared errors, and the expected ones."""
        fold, part = folds[place], parts[place]
        errors = [max(squared_error(fold, part.mean, kind), 0.0) for kind in range(len(KINDS))]
        return np.array([errors, fold.counts * noise**2 + part.traces(fold.gram)])

    found = np.array(list(side_by_side(of_part, range(len(folds)))))

    def factor(label: str) -> float | None:
        kind = KINDS.index(label)
        known = found[[fold.counts[kind] > 0 for fold in folds], :, kind]
        return max(float(np.sqrt(np.mean(known[:, 0] / known[:, 1]))), 1.0) if len(known) > 1 else None

    error, expected = found[:, :, KINDS.index(_label(folds))].sum(axis=0)
    least = 0.0 if len(folds) == FOLDS else 1.0
    return Calibration(max(float(np.sqrt(error / expected)), least), factor("energy"), factor("stress"))


def _label(folds: Sequence[Statistics]) -> str:
    """The kind of label that matters most among those there are."""
    return next(kind for kind in ("forces", "energy", "stress") if any(f.counts[KINDS.index(kind)] for f in folds))


def half_error(
    folds: Sequence[Statistics], parts: Sequence[Normal], refitted: Callable[[Sequence[Normal]], Posterior]
) -> float:
    """Error on the rest when but half of the parts that `held_out_of` fits are fitted."""
    half, kind = (len(folds) - 1) // 2, KINDS.index(_label(folds))

    def errors(first: int) -> tuple[float, float]:
        others = [(first + j) % len(folds) for j in range(half, len(folds))]
        mean = refitted([parts[other] for other in others]).mean
        left_out = [folds[other] for other in others]
        return sum(squared_error(f, mean, kind) for f in left_out), sum(float(f.counts[kind]) for f in left_out)

    error, rows = (sum(each) for each in zip(*side_by_side(errors, range(len(folds))), strict=True))
    return float(np.sqrt(max(error, 0.0) / rows))


def held_out_of(folds: Sequence[Statistics], means: Sequence[np.ndarray]) -> HeldOut:
    """Errors of the kind of label that matters most."""
    label = _label(folds)
    kind = KINDS.index(label)
    rows = sum(float(fold.counts[kind]) for fold in folds)
    before = sum(float(fold.squares[kind]) for fold in folds)
    after = sum(squared_error(fold, mean, kind) for fold, mean in zip(folds, means, strict=True))
    base, corrected = (float(np.sqrt(max(total, 0.0) / rows)) for total in (before, after))
    return HeldOut(label=label, unit=UNITS[label], base=base, corrected=corrected)
