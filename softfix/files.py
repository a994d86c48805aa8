"""Files that are either the old ones or the new ones, never half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it there when the block ends well, remove it when not.

    The temporary name keeps the suffixes of `path`, so that writers that look at them do the right thing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix="".join(path.suffixes[-2:]), dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where evaluations and compiled code are kept: $SOFTFIX_CACHE, or softfix/ in the user's cache folder."""
    if chosen := os.environ.get("SOFTFIX_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "softfix"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
