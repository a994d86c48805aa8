"""The one exception that means: the user can mend this."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class SoftfixError(Exception):
    """A mistake in the input, told in one sentence that names the file, frame and value and what to do."""


def first_fault(error: ValidationError) -> str:
    """The first value that does not fit, by its place in the file, and why."""
    first = error.errors()[0]
    return f"'{'.'.join(map(str, first['loc']))}': {first['msg']}"
