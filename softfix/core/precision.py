"""float64 where it is asked for: JAX narrows silently unless x64 is on, so it is switched on and checked here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp

P = ParamSpec("P")
T = TypeVar("T")


def in_float64(function: Callable[P, T]) -> Callable[P, T]:
    """Run `function` with JAX in float64, and leave the process's own setting as it was.

    Raises:
        RuntimeError: if JAX still narrows to float32.
    """

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        with jax.enable_x64(True):
            if jnp.zeros(()).dtype != jnp.float64:
                raise RuntimeError("JAX did not switch to float64; fitting in float32 would be silently wrong")
            return function(*args, **kwargs)

    return wrapped
