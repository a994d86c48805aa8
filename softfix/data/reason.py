"""What another library's exception says, as part of a sentence."""

from __future__ import annotations

LONGEST = 160  # characters


def reason_of(error: Exception) -> str:
    """Kind and text of an exception on one line, cut to a readable length.

    >>> reason_of(KeyError("Xx"))
    "KeyError: 'Xx'"
    """
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:LONGEST] if text else type(error).__name__
