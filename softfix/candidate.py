"""Forms of the correction that compete for a set of frames, and how well each does on frames left out.

Both have the fence, which leaves whatever is far from the frames to the base. `local` has a Gaussian besides:
what one regime taught fades in others. `global` has none: the better form where the frames describe what is simulated.
The error on frames left out decides, and takes neither where the base is better; one frame can't be left out, and then
`global` must be more likely by a wide margin. Few frames of one regime tell more than structures far from them leave to
be seen: their evidence alone sets the amplitudes of the global form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial, reduce
from operator import add, sub

import numpy as np
from threadpoolctl import threadpool_limits

from softfix.core.basis import Basis
from softfix.core.crowding import core_functions
from softfix.core.evidence import Columns, Hyperparameters, Hyperprior, maximise, prior_std
from softfix.core.gate import Gate, farthest_of, fenced, gate_of, localised, most_crowded_of, spread_of
from softfix.core.posterior import Normal, Posterior, at_noise, posterior
from softfix.core.statistics import KINDS, Statistics, squared_error
from softfix.correction import HeldOut
from softfix.errors import SoftfixError
from softfix.folds import FOLDS, folds_of
from softfix.left_out import Calibration, calibration_of, half_error, held_out_of
from softfix.prior import ABSENT, columns_of, hyperprior_of
from softfix.problem import Problem
from softfix.rows import Surroundings, common_shape
from softfix.threads import side_by_side
from softfix.trust import trust_statistics
from softfix.workers import Workers

ENERGY = KINDS.index("energy")
FEW = 5  # frames from which on structures far from them take part in the evidence of the global form
NOISELESS = 0.05  # share of the base's force error that counts as hardly any noise
NOISY = 0.2  # share of it that is never explained, where that does better on frames left out
FORETOLD = 0.5  # share of the base's error on frames left out up to which they speak for the fit
CONTRADICTED = 80.0  # gain of ln(evidence) by each energy, were energies noise, beyond which they contradict the forces
TOLD = 10  # energies from which on one that is wrong strains the others
STRAINED = 10.0  # mean square of the misses of energies, in units of their noise, above which they may be wrong
OVER = 0.1  # Å; energies err by forces over no less than that: 0.13 (MgO, HfO2) to 0.7 (Ge) per atom in CHGNet
ONE_FRAME = Calibration(1.25, energy=3.0)  # where nothing can be left out; seen on training frames of CHGNet


@dataclass(frozen=True, eq=False)
class Candidate:
    """One form of the correction, fitted."""

    domain: str  # local, global or none
    basis: Basis
    gate: Gate
    hyperparameters: Hyperparameters
    evidence: float  # logarithm of that of the frames alone, where they are one; of all rows for more
    posterior: Posterior
    counts: np.ndarray  # (kinds,) rows
    held_out: HeldOut | None  # None for one frame
    folds: Sequence[Statistics]
    without: Sequence[Posterior]  # with each of the folds left out; none for one frame
    base_force_error: float  # eV/Å, rms on the frames, weighted; 0 without forces
    base_energy_error: float  # eV/atom, rms after composition offsets; not below what such forces make likely
    refitted: Callable[[Sequence[Normal]], Posterior]  # without some of the folds, each at the noise

    @property
    def is_foretold(self) -> bool:
        """Whether at least half of the base's error on frames left out is gone; never for one frame."""
        return self.held_out is not None and self.held_out.corrected <= FORETOLD * self.held_out.base

    @cached_property
    def held_out_half(self) -> HeldOut | None:
        """`held_out`, and the error when but half of the parts that it fits are fitted; that is None for few frames."""
        if self.held_out is None or len(self.folds) < FOLDS:
            return self.held_out
        parts = [at_noise(fold, self.hyperparameters.noise) for fold in self.folds]
        return self.held_out.model_copy(update={"half": half_error(self.folds, parts, self.refitted)})

    @cached_property
    def calibration(self) -> Calibration:
        """Factors of the posterior's standard deviations."""
        if not self.without:
            return Calibration(1.0) if self.domain == "none" else ONE_FRAME
        return calibration_of(self.folds, self.without, self.hyperparameters.noise)


def fit_candidates(problem: Problem, workers: Workers | None = None) -> list[Candidate]:
    """Fit every form that the settings allow.

    Args:
        problem: what is to be explained.
        workers: who goes through the frames, where they are many; this process by default.

    Raises:
        SoftfixError: if the frames hold no label that is to be fitted, or the numbers are not finite.
    """
    names = problem.forms
    shape = common_shape(problem.basis, [*problem.frames, *problem.trusted.frames])
    seen = Surroundings(problem.basis, problem.elements, problem.frames, shape)
    gates = _gates(problem, names, seen)
    folds = folds_of(problem, gates, shape, workers)
    trusted = trust_statistics(problem, gates, seen, shape)
    candidates: list[Candidate] = []
    with threadpool_limits(1, "blas"):
        for each in zip(names, gates, folds, trusted, strict=True):
            found = _fit(problem, *each, candidates[-1].hyperparameters if candidates else None)
            if problem.settings.max_steps and explains_too_much(found):
                found = min(found, _fit(_noisy(problem), *each, None), key=_left_out)
            candidates.append(found)
    return candidates


def explains_too_much(candidate: Candidate) -> bool:
    """Whether hardly any noise is left in the forces fitted, and half of the base's error in those left out.

    Few frames of unlike structures can be explained without noise by functions that tell little of other structures.
    """
    held, noise = candidate.held_out, candidate.hyperparameters.noise[KINDS.index("forces")]
    if held is None or held.label != "forces":
        return False
    return bool(noise < NOISELESS * candidate.base_force_error and not candidate.is_foretold)


def _noisy(problem: Problem) -> Problem:
    """The same with more of the forces taken for noise."""
    noise = problem.settings.noise.model_copy(update={"forces_floor": NOISY})
    return replace(problem, settings=problem.settings.model_copy(update={"noise": noise}))


def _left_out(candidate: Candidate) -> float:
    return candidate.held_out.corrected if candidate.held_out else np.inf


def _fit(
    problem: Problem, domain: str, gate: Gate, folds: Sequence[Statistics], far: Statistics | None,
    guess: Hyperparameters | None,
) -> Candidate:  # fmt: skip
    """One form of the correction; its hyperparameters are sought from those of another."""
    alone = _sum(folds)
    total = alone + far if far else alone
    highest = problem.settings.prior.scale_highest
    if not alone.counts[: KINDS.index("trust")].any():
        raise SoftfixError(
            "The frames hold none of the labels that are to be fitted (see `labels` in the settings), or all of them "
            "vanish by symmetry."
        )
    columns = columns_of(problem.basis, len(problem.elements), problem.settings)
    hyperprior = hyperprior_of(problem.settings, total)
    search = partial(maximise, columns=columns, hyperprior=hyperprior, max_steps=problem.settings.max_steps)
    asked = alone if domain == "global" and len(problem.frames) < FEW else total
    likeliest = search(asked, guess=guess)
    compared = len(folds) == 1 and len(problem.forms) > 1
    evidence = search(alone) if compared and domain == "local" and far else likeliest
    refitted = _refitting(total, columns, likeliest, highest)
    found = refitted(())
    if problem.settings.max_steps and _are_strained(alone, found.mean, float(likeliest.noise[ENERGY])):
        free = _freed(likeliest, alone, hyperprior, partial(search, asked))
        if free.log_evidence - likeliest.log_evidence > CONTRADICTED * float(alone.counts[ENERGY]):
            likeliest, refitted = free, _refitting(total, columns, free, highest)
            found = refitted(())
    noise = likeliest.noise
    if not np.isfinite(found.mean).all():
        raise SoftfixError("The fit gave numbers that are not finite: check the frames for absurd labels.")
    held_out, without = None, []
    if len(folds) > 1:
        without = list(side_by_side(lambda fold: refitted([at_noise(fold, noise)]), folds))
        held_out = held_out_of(folds, [each.mean for each in without])
    kind = KINDS.index("forces")
    error = _rms(total, kind)
    return Candidate(
        domain, problem.basis, gate, likeliest, float(evidence.log_evidence), found, np.asarray(total.counts),
        held_out, folds, without, error, max(_rms(total, ENERGY), OVER * error), refitted,
    )  # fmt: skip


def _rms(statistics: Statistics, kind: int) -> float:
    """Error of the base (rms) in one kind of label; 0 without labels."""
    return float(np.sqrt(statistics.squares[kind] / max(statistics.counts[kind], 1.0)))


def _refitting(
    total: Statistics, columns: Columns, found: Hyperparameters, highest: float
) -> Callable[[Sequence[Normal]], Posterior]:
    """What gives the posterior without some of the folds."""
    std = prior_std(columns, found.amplitude)
    return partial(_without, at_noise(total, found.noise), std=std, highest=highest)


def _are_strained(frames: Statistics, mean: np.ndarray, noise: float) -> bool:
    """Whether the energies may contradict the forces: they are missed by several times their noise, or few."""
    energies = float(frames.counts[ENERGY])
    if energies < TOLD:
        return energies > 1  # an offset explains one
    return squared_error(frames, mean, ENERGY) > STRAINED * energies * noise**2


def _freed(
    likeliest: Hyperparameters, frames: Statistics, hyperprior: Hyperprior, search: Callable[..., Hyperparameters]
) -> Hyperparameters:
    """Hyperparameters with as much noise of energies as the evidence likes.

    A wrong energy among few is explained by forces that are as wrong, and no other frame tells. The evidence does. For
    few it is sought from where all energies are noise: the way there from where they are believed may lead downhill.
    """
    start, energies = likeliest, float(frames.counts[ENERGY])
    if energies < TOLD:
        noise = hyperprior.noise.copy()
        noise[ENERGY] = max(noise[ENERGY], np.sqrt(frames.squares[ENERGY] / energies))
        start = likeliest._replace(amplitude=hyperprior.amplitude, noise=noise)
    return search(hyperprior=hyperprior._replace(noise_ceiling=np.inf), guess=start)


def _gates(problem: Problem, names: Sequence[str], seen: Surroundings) -> tuple[Gate, ...]:
    """The gate of every form, for the surroundings of each frame."""
    settings = problem.settings.gate
    basis, core = problem.basis, core_functions(problem.basis, seen.shortest_bonds())
    gate = gate_of(basis, reduce(add, (spread_of(basis, *each) for each in seen)))._replace(core=core)
    both = [(farthest_of(basis, gate, *each), most_crowded_of(basis, gate, *each)) for each in seen]
    farthest, crowded = np.max(both, axis=0)
    gate = fenced(gate, farthest, crowded, settings.margin, settings.least)
    return tuple(localised(gate, settings.length, settings.reach) if name == "local" else gate for name in names)


def _sum(parts: Sequence[Statistics]) -> Statistics:
    return reduce(add, parts)


def _without(normal: Normal, parts: Sequence[Normal], std: np.ndarray, highest: float) -> Posterior:
    """Posterior of the weights when some of the labels are left out."""
    return _within(reduce(sub, parts, normal), std, highest)


def _within(normal: Normal, std: np.ndarray, highest: float) -> Posterior:
    """Posterior of the weights with c - 1 between -1, for a base is never turned upside down, and the highest."""
    found = posterior(normal, std)
    scale = float(np.clip(found.mean[0], -1.0, highest))
    if scale == float(found.mean[0]):
        return found
    found = posterior(normal.given(0, scale), _held(std))
    return found._replace(mean=np.concatenate([[scale], found.mean[1:]]))


def _held(std: np.ndarray) -> np.ndarray:
    """Prior that holds the scale where it is."""
    return np.where(np.arange(len(std)) == 0, ABSENT, std)
