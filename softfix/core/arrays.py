"""What core takes for an array: JAX's inside a traced function, NumPy's from the shell around it."""

from __future__ import annotations

import jax
import numpy as np

Array = jax.Array | np.ndarray
