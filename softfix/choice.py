"""Which of the forms that were fitted is taken, and whether any: the base as it is may be the better guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from softfix.candidate import FEW, Candidate
from softfix.core.statistics import KINDS
from softfix.problem import Problem

CAUTION = 0.75  # share of the local form's error below which the global one is taken; seen on frames of nine systems
DOUBT = 10.0  # by which the logarithm of the evidence of one frame must be larger for the global form
TIE = 0.98  # the same share for more frames: of two forms that do alike, the one that fades is the safer
TRUSTED = 10  # frames from which on that is so
FORESEEN = 0.1  # share of the base's error on frames left out below which few frames are as good as more
MANY = 20  # frames from which on the base is taken as soon as it does better
DOUBTFUL = 1.9  # times the base's error below which fewer frames are still fitted; seen on frames of eleven systems
UNLIKE = 1.2  # the same for many that are explained, but of which a few hot ones left out make most of the error
EXPLAINED = 0.75  # share of the base's error that is left as noise where labels are no mere noise
FEW_FORCES = 15  # components a frame, of five atoms, up to which fewer frames than that may tell of themselves alone
GOOD = 0.15  # eV/Å, error of forces (rms) below which a base that is not too soft is good enough for that


def best_of(candidates: Sequence[Candidate], frames: int) -> Candidate:
    """The form with the least error on frames left out; `global` must be better by a margin, larger for few frames.

    Of one frame, the evidence decides, with a margin too.
    """

    def error(candidate: Candidate) -> float:
        held, cautious = candidate.held_out, candidate.domain == "global"
        if held is None:
            return (DOUBT if cautious else 0.0) - candidate.evidence
        few = frames < TRUSTED and held.corrected > FORESEEN * held.base
        return held.corrected / ((CAUTION if few else TIE) if cautious else 1.0)

    return min(candidates, key=error)


def is_harmful(candidate: Candidate, problem: Problem) -> bool:
    """Whether the base should be left as it is.

    It is, where it is better on frames left out; by far, if they are few: the rest then knows too little. Few frames of
    few forces are not believed at all where the base is good and not too soft.
    """
    held = candidate.held_out
    margin = DOUBTFUL if len(problem.frames) < MANY else UNLIKE if is_explained(candidate) else 1.0
    return tells_of_itself(candidate, problem) or (held is not None and held.corrected >= margin * held.base)


def is_explained(candidate: Candidate) -> bool:
    """Whether a quarter of the base's error or more is gone on the frames that are fitted: labels are no mere noise."""
    return candidate.hyperparameters.noise[KINDS.index("forces")] <= EXPLAINED * candidate.base_force_error


def tells_of_itself(candidate: Candidate, problem: Problem) -> bool:
    """Whether frames are few, small, and not foretold, and the base errs little and not as one too soft does."""
    frames, forces = len(problem.frames), candidate.counts[KINDS.index("forces")]
    few = frames < FEW and bool(0 < forces <= FEW_FORCES * frames) and not candidate.is_foretold
    return few and problem.force_error < GOOD and not problem.is_softened


def none_of(candidate: Candidate) -> Candidate:
    """The base as it is, with its own error as noise."""
    record = candidate.hyperparameters
    noise = np.array(record.noise)
    noise[KINDS.index("forces")] = candidate.base_force_error
    noise[KINDS.index("energy")] = candidate.base_energy_error
    nothing = candidate.posterior._replace(mean=np.zeros_like(candidate.posterior.mean), prior_std=np.zeros(1))
    return replace(
        candidate,
        domain="none",
        hyperparameters=record._replace(noise=noise),
        posterior=nothing,
        without=(),
    )
