"""Sufficient statistics of a linear model: they add over frames, so memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Mapping
from operator import add, sub
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

TALL = 256  # rows that are multiplied at once
KINDS = ("energy", "forces", "stress", "trust")  # order of the first axis below; trust: the base's own stress


class Statistics(NamedTuple):
    """Gram matrices and right-hand sides per kind of label, each row weighted, in the units of that label."""

    gram: Float[np.ndarray, "kinds columns columns"]
    rhs: Float[np.ndarray, "kinds columns"]
    squares: Float[np.ndarray, " kinds"]  # y.y
    counts: Float[np.ndarray, " kinds"]  # number of rows

    def __add__(self, other: Statistics) -> Statistics:  # type: ignore[override]
        """Statistics of both sets of frames together."""
        return Statistics(*map(add, self, other))

    def __sub__(self, other: Statistics) -> Statistics:
        """Statistics without those frames."""
        return Statistics(*map(sub, self, other))


def empty(columns: int) -> Statistics:
    """Statistics of no frames."""
    n = len(KINDS)
    return Statistics(np.zeros((n, columns, columns)), np.zeros((n, columns)), np.zeros(n), np.zeros(n))


def squared_error(statistics: Statistics, weights: Float[np.ndarray, " columns"], kind: int) -> float:
    """Weighted sum of squared errors (y - X w)^2 of one kind of label."""
    explained = 2.0 * weights @ statistics.rhs[kind] - weights @ statistics.gram[kind] @ weights
    return float(statistics.squares[kind] - explained)


class Labelled(NamedTuple):
    """Rows of one kind of label."""

    X: Float[np.ndarray, "rows columns"]
    y: Float[np.ndarray, " rows"]
    weight: Float[np.ndarray, " rows"]


class Gathering:
    """Statistics of rows that come frame by frame, in memory that does not grow with their number.

    Few products of tall matrices take less time than many of flat ones, so rows wait until there are some.
    """

    def __init__(self, columns: int):
        """No rows yet, of so many columns."""
        self._sums = empty(columns)
        self._waiting: dict[str, list[Labelled]] = {kind: [] for kind in KINDS}

    def add(self, parts: Mapping[str, Labelled]) -> None:
        """Add the rows of each of KINDS; a kind that is missing has none."""
        for kind, rows in parts.items():
            self._waiting[kind].append(rows)
            if sum(len(each.y) for each in self._waiting[kind]) >= TALL:
                self._multiply(kind)

    def statistics(self) -> Statistics:
        """Statistics of all rows so far."""
        for kind in KINDS:
            self._multiply(kind)
        return self._sums

    def _multiply(self, kind: str) -> None:
        if not self._waiting[kind]:
            return
        X, y, weight = (np.concatenate(part) for part in zip(*self._waiting[kind], strict=True))
        self._waiting[kind].clear()
        root = np.sqrt(weight)
        X, y = X * root[:, None], y * root
        gram, rhs, squares, counts = self._sums
        k = KINDS.index(kind)
        gram[k] += X.T @ X
        rhs[k] += X.T @ y
        squares[k] += y @ y
        counts[k] += len(y)
