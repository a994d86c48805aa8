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

SEARCH = optax.scale_by_lbfgs()
DIRECTION = jax.jit(SEARCH.update)


class Hyperprior(NamedTuple):
    """Normal distribution of ln(amplitude) per group of columns and of ln(noise) per kind of label."""

    amplitude: Float[np.ndarray, " groups"]  # medians, eV
    amplitude_width: Float[np.ndarray, " groups"]  # standard deviations of the logarithm
    noise: Float[np.ndarray, " kinds"]  # medians per kind of label, in its unit
    noise_width: Float[np.ndarray, " kinds"]
    noise_floor: Float[
        np.ndarray, " kinds"
    ]  # added in quadrature: a few rows and many weights never explain labels exactly


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


def maximise(statistics: Statistics, columns: Columns, hyperprior: Hyperprior, max_steps: int = 60) -> Hyperparameters:
    """Maximise evidence x hyperprior by L-BFGS over logarithms, from the hyperprior's median or the least noise.

    There can be two maxima: one explains the labels, one takes them for noise. The likelier start is gone on from.
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
        return t, median * np.exp(width * t), (1.0 - (t / LIMIT) ** 2) / stiffness

    def loss(s: np.ndarray) -> tuple[float, np.ndarray]:
        t, value, dt_ds = unpack(s)
        noise = np.hypot(hyperprior.noise_floor, value[groups:])
        found = log_evidence(statistics, prior_std(columns, value[:groups]), noise)
        by_amplitude = np.bincount(columns.group, columns.shape * found.by_prior, minlength=groups)
        by_value = np.concatenate([by_amplitude, found.by_noise * value[groups:] / noise])
        return 0.5 * float(t @ t) - found.value, (t - by_value * width * value) * dt_ds

    floored = np.concatenate([np.zeros(groups, bool), hyperprior.noise_floor > 0.0])
    floor = np.where(floored, np.concatenate([np.ones(groups), hyperprior.noise_floor]), median)
    lowest = np.maximum(np.log(floor / median) / width, -0.9 * LIMIT)
    starts = np.zeros_like(median), LIMIT * stiffness * np.arctanh(lowest / LIMIT)
    found = _descend(loss, min(starts, key=lambda s: loss(s)[0]) if max_steps else starts[0], max_steps)
    value = unpack(found.s)[1]
    noise = np.hypot(hyperprior.noise_floor, value[groups:])
    return Hyperparameters(value[:groups], noise, -found.loss, found.steps, float(np.abs(found.gradient).max()))


class Minimum(NamedTuple):
    """Where a search ended."""

    s: Float[np.ndarray, " parameters"]
    loss: float
    gradient: Float[np.ndarray, " parameters"]
    steps: int


@in_float64
def _descend(loss: Callable[[np.ndarray], tuple[float, np.ndarray]], s: np.ndarray, max_steps: int) -> Minimum:
    """L-BFGS whose steps are halved until they lower the loss; optax turns slopes into directions.

    The loss is one or two factorings and takes nearly all the time, so that it is not asked for more than a step needs.
    """
    state = SEARCH.init(jnp.asarray(s))
    value, gradient = loss(s)
    steps = 0
    while steps < max_steps and np.abs(gradient).max() > GRADIENT:
        uphill, state = DIRECTION(jnp.asarray(gradient), state, jnp.asarray(s))
        uphill = np.asarray(uphill)
        if gradient @ uphill <= 0.0:  # the curvature that was met is not that of a minimum
            uphill = gradient
        size = min(1.0, LONGEST / np.abs(uphill).max())
        while True:
            there = s - size * uphill
            lower, slope = loss(there)
            if lower <= value - ENOUGH * size * (gradient @ uphill):
                break
            size *= 0.5
            if size < SHORTEST:  # rounding is all that is left
                return Minimum(s, value, gradient, steps)
        s, value, gradient, steps = there, lower, slope, steps + 1
    return Minimum(s, value, gradient, steps)
