"""The devices of this machine: JAX beside torch on one GPU, and the work of a fit on all that JAX sees."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")

PREALLOCATE = "XLA_PYTHON_CLIENT_PREALLOCATE"


def share_gpu() -> None:
    """Let JAX take GPU memory as it needs it, where it has not begun and the user has not said otherwise.

    By itself it takes three quarters at once, which leaves too little for a base in torch.
    """
    os.environ.setdefault(PREALLOCATE, "false")


def on_each_device(function: Callable[[S], T]) -> Callable[[S], T]:
    """`function`, whose calls go to the devices of JAX in turn: frames need nothing of one another.

    Frames are of many sizes, so each goes whole to one device; what comes back is NumPy's and adds on the host.
    """
    import jax

    devices = jax.local_devices()
    turn = count()

    def on_the_next(item: S) -> T:
        with jax.default_device(devices[next(turn) % len(devices)]):
            return function(item)

    return on_the_next if len(devices) > 1 else function
