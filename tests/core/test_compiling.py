"""Options of the compiler that this XLA may or may not have."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

from softfix.core import compiling


@pytest.mark.parametrize(("options", "known"), [({}, True), ({"xla_no_such_option": True}, False)])
def test_a_function_compiles_whether_or_not_the_options_are_known(monkeypatch, options, known):
    monkeypatch.setattr(compiling, "QUICK", options)
    compiling.is_known.cache_clear()
    twice = compiling.compiled(lambda times, x: times * x)
    assert twice(2, jnp.float32(3.0)) == 6.0
    assert compiling.is_known() is known
    compiling.is_known.cache_clear()


def test_the_options_do_not_change_numbers():
    x = jnp.linspace(0.0, 1.0, 50)

    def wave(n, x):
        return jnp.sum(jnp.sin(n * x) ** 2)

    plain = jax.jit(wave, static_argnums=0)
    assert compiling.compiled(wave)(3, x) == pytest.approx(float(plain(3, x)), rel=1e-6)
