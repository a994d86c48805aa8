"""What is installed of a base's package, found out without importing it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from softfix.errors import SoftfixError


def installed_version(distribution: str) -> str | None:
    """Version of a distribution, None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def required_version(distribution: str, extra: str) -> str:
    """Version of a distribution.

    Raises:
        SoftfixError: naming the extra to install, where it is missing.
    """
    found = installed_version(distribution)
    if found is None:
        raise SoftfixError(
            f"Base '{extra}' needs the package {distribution}, which is not installed: pip install 'softfix[{extra}]'"
        )
    return found


def package_folder(module: str) -> Path:
    """Folder of a top-level package, without importing it."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise SoftfixError(f"The package {module} is not installed.")
    return Path(next(iter(spec.submodule_search_locations)))


def sha256_of(paths: Iterable[Path]) -> str:
    """sha256 of the contents of files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        stat = path.stat()
        digest.update(_file_sha256(str(path), stat.st_mtime_ns, stat.st_size).encode())
    return digest.hexdigest()


@lru_cache(maxsize=32)
def _file_sha256(path: str, modified: int, size: int) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
