"""JAX and torch on one GPU."""

from __future__ import annotations

import os

PREALLOCATE = "XLA_PYTHON_CLIENT_PREALLOCATE"


def share_gpu() -> None:
    """Let JAX take GPU memory as it needs it, where it has not begun and the user has not said otherwise.

    By itself it takes three quarters at once, which leaves too little for a base in torch.
    """
    os.environ.setdefault(PREALLOCATE, "false")
