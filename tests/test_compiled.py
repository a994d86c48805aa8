"""Compiled code is kept for later processes."""

import os
import subprocess
import sys

COMPILES = """
import jax, softfix.compiled
softfix.compiled.keep_compiled()
hits = []
jax.monitoring.register_event_listener(lambda name, **_: hits.append(name.endswith("cache_hits")))
jax.jit(lambda x: jax.numpy.sin(x) + 17.0)(2.0)
print(sum(hits))
"""


def compiled(tmp_path, **more):
    """How many programs a new process finds compiled."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    ran = subprocess.run([sys.executable, "-c", COMPILES], env=clean | {"SOFTFIX_CACHE": str(tmp_path)} | more,
                         capture_output=True, text=True, check=True)  # fmt: skip
    return int(ran.stdout)


def test_a_second_process_finds_what_the_first_compiled(tmp_path):
    assert compiled(tmp_path) == 0
    assert compiled(tmp_path) > 0
    (of_this_processor,) = (tmp_path / "compiled").iterdir()
    assert any(of_this_processor.iterdir())


def test_a_folder_that_was_chosen_is_used(tmp_path):
    compiled(tmp_path, JAX_COMPILATION_CACHE_DIR=str(tmp_path / "mine"), JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0")
    assert any((tmp_path / "mine").iterdir())
    assert not (tmp_path / "compiled").exists()
