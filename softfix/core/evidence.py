"""Prior amplitudes and noise chosen by the evidence, held near what other materials taught by a hyperprior."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from softfix.core.posterior import log_evidence
from softfix.core.precision import in_float64
from softfix.core.statistics import Statistics

SHARE = 0.1  # of the columns of a group, about as many as the labels decide
LIMIT = 20.0  # widths that a logarithm can be from its median, so that no step of a search overflows
GRADIENT = 0.1  # largest component at which the maximum is near enough
LONGEST = 5.0  # largest component of a step, in units of the curvature
ENOUGH = 1e-4  # share of what the slope promises that a step must gain
SHORTEST = 1e-6  # share of a step
TINY = 1e-30  # square of a noise that is all floor

SEARCH = optax.scale_by_lbfgs()
DIRECTION = jax.jit(SEARCH.update)


class Hyperprior(NamedTuple):
    """Normal distribution of ln(amplitude) per group of columns and of ln(noise) per kind of label."""

    amplitude: Float[np.ndarray, " groups"]  # medians, eV
    amplitude_width: Float[np.ndarray, " groups"]  # standard deviations of the logarithm
    noise: Float[np.ndarray, " kinds"]  # medians per kind of label, in its unit
    noise_width: Float[np.ndarray, " kinds"]
    noise_floor: Float[np.ndarray, " kinds"]  # added in quadrature: many weights never explain a few labels exactly


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
    gradient: float  # largest component left, in units of the curvature: half its square is what is left to gain


def prior_std(columns: Columns, amplitude: Float[np.ndarray, " groups"]) -> Float[np.ndarray, " columns"]:
    """Prior standard deviation of every weight."""
    return columns.shape * amplitude[columns.group]


def maximise(
    statistics: Statistics, columns: Columns, hyperprior: Hyperprior, max_steps: int = 60,
    guess: Hyperparameters | None = None,
) -> Hyperparameters:  # fmt: skip
    """Maximise evidence x hyperprior by L-BFGS over logarithms, from the median, the least noise or a guess.

    There can be two maxima: one explains the labels, one takes them for noise. The likeliest start is gone on from.
    """
    groups = len(hyperprior.amplitude)
    width = np.concatenate([hyperprior.amplitude_width, hyperprior.noise_width])
    median = np.concatenate([hyperprior.amplitude, hyperprior.noise])

    # Second derivatives as they would be if labels decided a SHARE of the columns, and the noise of every kind alone:
    # in these units L-BFGS takes a third of the steps, and a gradient of 0.1 leaves a gain of less than 0.01.
    members = np.bincount(columns.group, minlength=groups)
    stiffness = np.sqrt(1.0 + 2.0 * width**2 * np.concatenate([SHARE * members, statistics.counts]))

    def unpack(s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        t = LIMIT * np.tanh(s / (LIMIT * stiffness))
        value = median * np.exp(width * t)
        return t, value, np.hypot(hyperprior.noise_floor, value[groups:])

    def loss(s: np.ndarray) -> tuple[float, np.ndarray]:
        t, value, noise = unpack(s)
        dt_ds = (1.0 - (t / LIMIT) ** 2) / stiffness
        found = log_evidence(statistics, prior_std(columns, value[:groups]), noise)
        by_amplitude = np.bincount(columns.group, columns.shape * found.by_prior, minlength=groups)
        by_value = np.concatenate([by_amplitude, found.by_noise * value[groups:] / noise])
        return 0.5 * float(t @ t) - found.value, (t - by_value * width * value) * dt_ds

    def start(value: np.ndarray) -> np.ndarray:
        t = np.clip(np.log(value / median) / width, -0.9 * LIMIT, 0.9 * LIMIT)
        return LIMIT * stiffness * np.arctanh(t / LIMIT)

    floor = np.where(hyperprior.noise_floor > 0.0, hyperprior.noise_floor, hyperprior.noise)
    values = [median]
    if max_steps:
        values.append(np.concatenate([hyperprior.amplitude, floor]))
    if guess:
        scatter = np.sqrt(np.maximum(guess.noise**2 - hyperprior.noise_floor**2, TINY))
        values.append(np.concatenate([guess.amplitude, scatter]))
    starts = [Point(s, *loss(s)) for s in map(start, values)]
    found, steps = _descend(loss, min(starts, key=lambda point: point.loss), max_steps)
    _, value, noise = unpack(found.s)
    return Hyperparameters(value[:groups], noise, -found.loss, steps, float(np.abs(found.gradient).max()))


class Point(NamedTuple):
    """Where a search is."""

    s: Float[np.ndarray, " parameters"]
    loss: float
    gradient: Float[np.ndarray, " parameters"]


@in_float64
def _descend(loss: Callable[[np.ndarray], tuple[float, np.ndarray]], point: Point, max_steps: int) -> tuple[Point, int]:
    """L-BFGS whose steps are halved until they lower the loss; optax turns slopes into directions.

    The loss takes nearly all the time, so that it is asked for no more than a step needs. Gives the steps taken too.
    """
    state, steps = SEARCH.init(jnp.asarray(point.s)), 0
    while steps < max_steps and np.abs(point.gradient).max() > GRADIENT:
        direction, state = DIRECTION(jnp.asarray(point.gradient), state, jnp.asarray(point.s))
        uphill = np.asarray(direction)
        if point.gradient @ uphill <= 0.0:  # the curvature that was met is not that of a minimum
            uphill = point.gradient
        lower = _lower(loss, point, uphill)
        if lower is None:
            break
        point, steps = lower, steps + 1
    return point, steps


def _lower(loss: Callable[[np.ndarray], tuple[float, np.ndarray]], point: Point, uphill: np.ndarray) -> Point | None:
    """The first point down a line, at halved distances, that is lower by ENOUGH; None where none is."""
    size = min(1.0, LONGEST / np.abs(uphill).max())
    while size >= SHORTEST:
        there = point.s - size * uphill
        found = Point(there, *loss(there))
        if found.loss <= point.loss - ENOUGH * size * (point.gradient @ uphill):
            return found
        size *= 0.5
    return None
