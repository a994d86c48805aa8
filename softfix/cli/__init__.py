"""The command line: read, one call, write."""

from __future__ import annotations

import os
import sys
import warnings

from softfix.cli import (  # noqa: F401 - they register their commands
    correct,
    doctor,
    label,
    learn,
    peers,
    properties,
    report,
    sample,
)
from softfix.cli.root import app
from softfix.errors import SoftfixError

__all__ = ["app", "main"]


def _keep_compiled() -> None:
    """Let JAX keep what it compiles from one command to the next, where the user has not said otherwise."""
    from softfix.evaluations import cache_folder

    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache_folder() / "compiled"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")


def main() -> None:
    """Run the command line; a user's mistake is one sentence and exit status 1."""
    warnings.showwarning = _show_warning
    _keep_compiled()
    try:
        app()
    except SoftfixError as error:
        print(f"softfix: {error}", file=sys.stderr)
        sys.exit(1)


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    """Our own warnings in a line; those of foreign packages, which a user cannot act on, not at all."""
    if category.__module__.startswith("softfix"):
        print(f"softfix: note: {message}", file=sys.stderr)
