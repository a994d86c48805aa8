"""Which frames of a pool to label next: those that stand for it or, given a correction, tell most beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from softfix.core.basis import Basis
from softfix.core.evidence import prior_std
from softfix.core.selection import herd, mismatch, most_informative, overlaps
from softfix.correction import Correction
from softfix.data.frames import Frame
from softfix.errors import SoftfixError
from softfix.evaluations import Evaluation
from softfix.prior import GROUPS, choose_basis, columns_of
from softfix.rows import rows_of
from softfix.settings import FitSettings


@dataclass(frozen=True)
class Suggestion:
    """A frame of the pool, in the order in which it should be labelled."""

    index: int  # in the pool
    frame: Frame
    mismatch: float  # of this and the frames before it against the pool, 0 where they tell the same in the mean
    force_std: float  # eV/Å, rms over its atoms, of the correction before any of these labels


def suggest(
    pool: Sequence[Frame], n: int, correction: Correction | None = None, settings: FitSettings | None = None,
    track: Callable[[Iterable], Iterable] = iter,
) -> list[Suggestion]:  # fmt: skip
    """Choose n frames one after another: those that stand for the pool or, given a correction, tell most beyond it.

    Geometry alone decides: neither labels nor the base are needed. The pool should be such structures as will be
    simulated.

    Args:
        pool: structures to choose from.
        n: how many; all of the pool at most.
        correction: one that was fitted to earlier frames.
        settings: of the fit to come, where there is no correction yet.
        track: wraps the pool while its rows are made, e.g. in a progress bar.

    Raises:
        SoftfixError: for an empty pool, or one of other elements than the correction's.
    """
    if not pool:
        raise SoftfixError("There are no frames to choose from.")
    elements = tuple(sorted({int(z) for frame in pool for z in frame.numbers}))
    basis, root, noise = _known(elements, correction, settings or FitSettings())
    elements = elements if correction is None else correction.elements
    whitened = [_force_rows(basis, elements, frame) @ root.T for frame in track(pool)]
    K = overlaps(whitened)
    order = herd(K, n) if correction is None else most_informative([Z / noise for Z in whitened], n)
    std = [float(np.sqrt(np.mean(np.sum(Z**2, axis=1)))) for Z in whitened]
    return [Suggestion(i, pool[i], mismatch(K, order[: place + 1]), std[i]) for place, i in enumerate(order)]


def _known(
    elements: tuple[int, ...], correction: Correction | None, settings: FitSettings
) -> tuple[Basis, np.ndarray, float]:
    """Basis, covariance root of the feature weights, and noise of the forces before any label of the pool."""
    if correction is None:
        basis = choose_basis(len(elements), settings)
        amplitude = np.array([getattr(settings.prior, name) for name in GROUPS])
        std = np.asarray(prior_std(columns_of(basis, len(elements), settings), amplitude))[1 + len(elements) :]
        return basis, np.diag(std), settings.noise.forces
    if foreign := set(elements) - set(correction.elements):
        from ase.data import chemical_symbols

        names = ", ".join(chemical_symbols[z] for z in sorted(foreign))
        raise SoftfixError(
            f"The pool holds {names}, of which the correction ({', '.join(correction.symbols)}) knows nothing: "
            "give --base instead of --correction, so that all elements count."
        )
    if not correction.covariance_root.any():
        raise SoftfixError("The correction holds no weights (its fit preferred the base): give --base instead.")
    of_features = correction.covariance_root[:, 1 + len(correction.elements) :]
    return correction.basis, of_features, correction.fit.noise["forces_eV_A"]


def _force_rows(basis: Basis, elements: tuple[int, ...], frame: Frame) -> np.ndarray:
    """Rows of the forces for the feature weights, ungated: far from the fit is where there is most to learn."""
    nothing = Evaluation(0.0, np.zeros((len(frame), 3)), None)
    (rows,) = rows_of(basis, (None,), elements, frame, nothing, np.zeros(len(elements)))
    return rows.forces[..., 1 + len(elements) :].reshape(3 * len(frame), -1)
