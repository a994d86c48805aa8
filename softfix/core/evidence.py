"""Prior amplitudes and noise chosen by the evidence, held near what other materials taught by a hyperprior."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from softfix.core.posterior import Posterior, log_evidence, slopes
from softfix.core.statistics import Statistics

GAIN = 0.1  # what is left to gain, as far as the curvature tells, at which the maximum is near enough
LONGEST = 5.0  # largest component of a step, in widths of the hyperprior
ENOUGH = 1e-4  # share of what the slope promises that a step must gain
SHORTEST = 1e-6  # share of a step
TINY = 1e-30  # square of a noise that is all floor


class Hyperprior(NamedTuple):
    """Normal distribution of ln(amplitude) per group of columns and of ln(noise) per kind of label."""

    amplitude: Float[np.ndarray, " groups"]  # medians, eV
    amplitude_width: Float[np.ndarray, " groups"]  # standard deviations of the logarithm
    noise: Float[np.ndarray, " kinds"]  # medians per kind of label, in its unit
    noise_width: Float[np.ndarray, " kinds"]
    noise_floor: Float[np.ndarray, " kinds"]  # added in quadrature: many weights never explain a few labels exactly
    noise_ceiling: Float[np.ndarray, " kinds"] | float = np.inf  # never more, whatever the evidence says


class Columns(NamedTuple):
    """Prior standard deviation of every column, as shape x amplitude of its group."""

    group: Int[np.ndarray, " columns"]
    shape: Float[np.ndarray, " columns"]


class Hyperparameters(NamedTuple):
    """What the evidence chose."""

    amplitude: Float[np.ndarray, " groups"]
    noise: Float[np.ndarray, " kinds"]
    log_evidence: float
    steps: int
    gain: float  # that is left, as far as the curvature tells


def prior_std(columns: Columns, amplitude: Float[np.ndarray, " groups"]) -> Float[np.ndarray, " columns"]:
    """Prior standard deviation of every weight."""
    return columns.shape * amplitude[columns.group]


def maximise(
    statistics: Statistics, columns: Columns, hyperprior: Hyperprior, max_steps: int = 60,
    guess: Hyperparameters | None = None,
) -> Hyperparameters:  # fmt: skip
    """Maximise evidence x hyperprior by Newton steps in logarithms, from the median, the least noise or a guess.

    There can be two maxima: one explains the labels, one takes them for noise. The likeliest start is gone on from.
    """
    groups = len(hyperprior.amplitude)
    width = np.concatenate([hyperprior.amplitude_width, hyperprior.noise_width])
    median = np.concatenate([hyperprior.amplitude, hyperprior.noise])
    members = columns.group == np.arange(groups)[:, None]

    def unpack(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value = median * np.exp(width * t)
        noise = np.hypot(hyperprior.noise_floor, value[groups:])
        return value[:groups], np.minimum(noise, hyperprior.noise_ceiling)

    def at(t: np.ndarray) -> Point:
        amplitude, noise = unpack(t)
        found = log_evidence(statistics, prior_std(columns, amplitude), noise)
        return Point(t, 0.5 * t @ t - found.value, lambda: bend(t, noise, found.posterior))

    def bend(t: np.ndarray, noise: np.ndarray, found: Posterior) -> Bend:
        slope, information = slopes(statistics, found, noise, members)
        above = 1.0 - (hyperprior.noise_floor / noise) ** 2  # d ln(noise) / d ln(what is added to its floor)
        above[(noise >= hyperprior.noise_ceiling) & (slope[groups:] > 0.0)] = 0.0  # it would rise, and may not
        chain = width * np.concatenate([np.ones(groups), above])
        bent = width**2 * np.concatenate([np.zeros(groups), 2.0 * above * (1.0 - above)])
        curvature = chain[:, None] * information * chain - np.diag(bent * slope)
        return Bend(t - chain * slope, np.eye(len(t)) + curvature)

    floor = np.where(hyperprior.noise_floor > 0.0, hyperprior.noise_floor, hyperprior.noise)
    values = [median]
    if max_steps:
        values.append(np.concatenate([hyperprior.amplitude, floor]))
    if guess:
        scatter = np.sqrt(np.maximum(guess.noise**2 - hyperprior.noise_floor**2, TINY))
        values.append(np.concatenate([guess.amplitude, scatter]))
    starts = [at(np.log(value / median) / width) for value in values]
    found, steps, gain = _descend(at, min(starts, key=lambda point: point.loss), max_steps)
    amplitude, noise = unpack(found.t)
    return Hyperparameters(amplitude, noise, -found.loss, steps, gain)


class Bend(NamedTuple):
    """Of the loss, by the logarithms in units of their width."""

    gradient: Float[np.ndarray, " parameters"]
    curvature: Float[np.ndarray, "parameters parameters"]


class Point(NamedTuple):
    """Where a search is: logarithms in units of their width, from the medians."""

    t: Float[np.ndarray, " parameters"]
    loss: float
    bend: Callable[[], Bend]  # costs more than the loss: a point that is not lower never needs it


def _descend(at: Callable[[np.ndarray], Point], point: Point, max_steps: int) -> tuple[Point, int, float]:
    """Newton steps, halved until they lower the loss, till little is left to gain; gives their number, and what is."""
    steps = 0
    while True:
        bend = point.bend()
        step = _newton(bend)
        promised = -0.5 * float(bend.gradient @ step)  # gain of a whole step, were the loss that parabola
        lower = _lower(at, point, step, promised) if promised > GAIN and steps < max_steps else None
        if lower is None:
            return point, steps, promised
        point, steps = lower, steps + 1


def _newton(bend: Bend) -> Float[np.ndarray, " parameters"]:
    """Step to the minimum of a parabola with this slope and curvature, which the hyperprior keeps from being flat."""
    if not np.isfinite(bend.curvature).all():
        return np.zeros_like(bend.gradient)
    curvature, axes = np.linalg.eigh(bend.curvature)
    step = -axes @ (axes.T @ bend.gradient / np.maximum(np.abs(curvature), 1.0))
    return step * min(1.0, LONGEST / max(np.abs(step).max(), LONGEST))


def _lower(
    at: Callable[[np.ndarray], Point], point: Point, step: Float[np.ndarray, " parameters"], promised: float
) -> Point | None:
    """The first point of a step, at halved lengths, that is lower by ENOUGH; None where none is."""
    size = 1.0
    while size >= SHORTEST:
        found = at(point.t + size * step)
        if found.loss <= point.loss - 2.0 * ENOUGH * size * promised:
            return found
        size *= 0.5
    return None
