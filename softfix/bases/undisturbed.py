"""Loading a foreign model without leaving traces in the process."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def undisturbed() -> Iterator[None]:
    """Silence prints, warnings and log lines of a model's loading; restore torch's default dtype and random state."""
    import torch

    dtype, random_state, grad = torch.get_default_dtype(), torch.get_rng_state(), torch.is_grad_enabled()
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_rng_state(random_state)
        torch.set_grad_enabled(grad)
        root.setLevel(level)
        root.handlers[:] = handlers
