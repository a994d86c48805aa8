"""Statistics of the parts of the frames that are left out in turn, made by this process or several: they add."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

from softfix.core.gate import Gate
from softfix.core.statistics import Gathering, Statistics
from softfix.device import on_each_device
from softfix.problem import Problem
from softfix.rows import Shape, columns, labelled_rows, rows_of
from softfix.threads import side_by_side
from softfix.workers import Workers, results

FOLDS = 5  # most parts that the frames are divided into for leaving out
MANY = 500  # frames from which on workers are worth their start: each imports JAX and loads what it compiled
PIECE = 100  # frames of a task: sending their statistics should take little of the time that making them does


class Piece(NamedTuple):
    """Frames of one part."""

    fold: int
    problem: Problem


def folds_of(
    problem: Problem, gates: tuple[Gate, ...], shape: Shape, workers: Workers | None = None
) -> list[list[Statistics]]:
    """For every gate, statistics of each part of the frames that is left out in turn.

    Their size does not depend on the number of frames. Through fewer than MANY frames this process goes alone.

    Raises:
        SoftfixError: if dask is missing or a worker dies.
    """
    parts = min(FOLDS, len(problem.frames))
    if workers is None or workers.alone or len(problem.frames) < MANY:
        make = on_each_device(partial(_statistics, gates=gates, shape=shape))
        found = list(side_by_side(make, _pieces(problem, parts, len(problem.frames)), compiles=True))
    else:
        found = _by_workers(problem, gates, shape, parts, workers)
    return [list(of_gate) for of_gate in zip(*found, strict=True)]


def _pieces(problem: Problem, parts: int, most: int) -> list[Piece]:
    """Frame i belongs to part i % parts."""
    bare = replace(problem, trusted=problem.trusted._replace(far=(), exchanges=()))
    return [
        Piece(fold, replace(bare, frames=frames[i : i + most], evaluations=evaluations[i : i + most]))
        for fold in range(parts)
        for frames, evaluations in [(problem.frames[fold::parts], problem.evaluations[fold::parts])]
        for i in range(0, len(frames), most)
    ]


def _by_workers(
    problem: Problem, gates: tuple[Gate, ...], shape: Shape, parts: int, workers: Workers
) -> list[list[Statistics]]:
    sums: list[list[Statistics]] = [[] for _ in range(parts)]
    make = partial(_statistics, gates=gates, shape=shape)
    with workers.client() as client:
        for piece, new in results(client, make, _pieces(problem, parts, PIECE), workers.count, _name):
            before = sums[piece.fold]
            sums[piece.fold] = [mine + its for mine, its in zip(before, new, strict=True)] if before else new
    return sums


def _name(piece: Piece) -> str:
    return f"making the rows of {piece.problem.frames[0].source} and {len(piece.problem.frames) - 1} more frames"


def _statistics(piece: Piece, gates: tuple[Gate, ...], shape: Shape) -> list[Statistics]:
    """For every gate, statistics of the frames of a piece."""
    problem = piece.problem
    noise = problem.settings.noise
    gatherings = [Gathering(columns(problem.basis, problem.elements)) for _ in gates]
    for frame, base in zip(problem.frames, problem.evaluations, strict=True):
        of_gates = rows_of(problem.basis, gates, problem.elements, frame, base, problem.reference, shape)
        for gathering, rows in zip(gatherings, of_gates, strict=True):
            gathering.add(
                labelled_rows(
                    rows, frame, base, problem.offsets, problem.elements, problem.settings.labels, noise.force_scale,
                    problem.stress_trust, problem.wild,
                )
            )  # fmt: skip
    return [gathering.statistics() for gathering in gatherings]
