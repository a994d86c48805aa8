"""Prior amplitudes and noise chosen by the evidence, held near what other materials taught by a hyperprior."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float, Int

from softfix.core.arrays import Array
from softfix.core.posterior import log_evidence
from softfix.core.statistics import Statistics

SHARE = 0.1  # of the columns of a group, about as many as the labels decide
LIMIT = 20.0  # widths that a logarithm can be from its median, so that no step of a search overflows
GRADIENT = 0.1  # largest component, of the logarithm in units of its width, at which the maximum is near enough


class Hyperprior(NamedTuple):
    """Normal distribution of ln(amplitude) per group of columns and of ln(noise) per kind of label."""

    amplitude: Float[Array, " groups"]  # medians, eV
    amplitude_width: Float[Array, " groups"]  # standard deviations of the logarithm
    noise: Float[Array, " kinds"]  # medians per kind of label, in its unit
    noise_width: Float[Array, " kinds"]
    noise_floor: Float[Array, " kinds"]  # added in quadrature: a few rows and many weights never explain labels exactly


class Columns(NamedTuple):
    """Prior standard deviation of every column, as shape x amplitude of its group."""

    group: Int[Array, " columns"]
    shape: Float[Array, " columns"]


class Hyperparameters(NamedTuple):
    """What the evidence chose."""

    amplitude: Float[Array, " groups"]
    noise: Float[Array, " kinds"]
    log_evidence: Float[Array, ""]
    steps: Int[Array, ""]
    gradient: Float[Array, ""]  # largest component left, of the logarithmic hyperparameters


def prior_std(columns: Columns, amplitude: Float[Array, " groups"]) -> Float[Array, " columns"]:
    """Prior standard deviation of every weight."""
    return columns.shape * amplitude[columns.group]


@partial(jax.jit, static_argnums=3)
def maximise(statistics: Statistics, columns: Columns, hyperprior: Hyperprior, max_steps: int = 60) -> Hyperparameters:
    """Maximise evidence x hyperprior by L-BFGS over logarithms, starting from the hyperprior's median."""
    groups = len(hyperprior.amplitude)
    width = jnp.concatenate([hyperprior.amplitude_width, hyperprior.noise_width])
    median = jnp.concatenate([hyperprior.amplitude, hyperprior.noise])

    # Second derivatives as they would be if labels decided a SHARE of the columns, and the noise of every kind alone:
    # in these units L-BFGS takes a third of the steps.
    members = jnp.zeros(groups).at[columns.group].add(1.0)
    stiffness = 1.0 + 2.0 * width**2 * jnp.concatenate([SHARE * members, statistics.counts])

    def unpack(t: Array) -> tuple[Array, Array]:
        value = median * jnp.exp(width * t)
        return value[:groups], jnp.sqrt(hyperprior.noise_floor**2 + value[groups:] ** 2)

    def within(s: Array) -> Array:
        return LIMIT * jnp.tanh(s / (LIMIT * jnp.sqrt(stiffness)))

    def loss(s: Array) -> Array:
        t = within(s)
        amplitude, noise = unpack(t)
        return 0.5 * jnp.sum(t**2) - log_evidence(statistics, prior_std(columns, amplitude), noise)

    optimiser = optax.lbfgs(linesearch=optax.scale_by_zoom_linesearch(max_linesearch_steps=12))
    value_and_grad = optax.value_and_grad_from_state(loss)

    def step(carry: tuple) -> tuple:
        s, state, count, _ = carry
        value, gradient = value_and_grad(s, state=state)
        updates, state = optimiser.update(gradient, state, s, value=value, grad=gradient, value_fn=loss)
        return optax.apply_updates(s, updates), state, count + 1, jnp.max(jnp.abs(gradient * jnp.sqrt(stiffness)))

    def unfinished(carry: tuple) -> Array:
        return (carry[2] < max_steps) & (carry[3] > GRADIENT)

    start = jnp.zeros_like(median)
    s, _, count, gradient = jax.lax.while_loop(
        unfinished, step, (start, optimiser.init(start), jnp.zeros((), int), jnp.full((), jnp.inf))
    )
    amplitude, noise = unpack(within(s))
    return Hyperparameters(amplitude, noise, -loss(s), count, gradient)
