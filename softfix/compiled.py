"""Compiled code, kept between processes: compiling is most of the time of a first fit."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path

from softfix.files import cache_folder

FOLDER = "JAX_COMPILATION_CACHE_DIR"


def keep_compiled(folder: Path | None = None) -> None:
    """Let JAX keep what it compiles for every later process, in the cache folder unless another was chosen."""
    jax = sys.modules.get("jax")
    if FOLDER in os.environ or (jax and jax.config.jax_compilation_cache_dir):
        return
    settings = {
        FOLDER: str(folder or cache_folder() / "compiled" / _processor()),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": 0.0,
    }
    os.environ.update({name: str(value) for name, value in settings.items()})  # a JAX to come, and other processes
    if jax:
        for name, value in settings.items():
            jax.config.update(name.lower(), value)


def _processor() -> str:
    """Hash of what the processor can do: machines of a cluster share a home, not their instructions."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    abilities = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    return hashlib.sha256(f"{platform.machine()} {abilities}".encode()).hexdigest()[:16]
