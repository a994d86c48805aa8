"""The command line: read, one call, write."""

from __future__ import annotations

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
from softfix.compiled import keep_compiled
from softfix.errors import SoftfixError

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; a user's mistake is one sentence and exit status 1."""
    warnings.showwarning = _show_warning
    keep_compiled()
    try:
        app()
    except SoftfixError as error:
        print(f"softfix: {error}", file=sys.stderr)
        sys.exit(1)


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    """Our own warnings in a line; those of foreign packages, which a user cannot act on, not at all."""
    if category.__module__.startswith("softfix"):
        print(f"softfix: note: {message}", file=sys.stderr)
