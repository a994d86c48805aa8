"""One run on one output: a lock file that names its owner, and is taken over when that process is dead."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from softfix.errors import SoftfixError


class Owner(BaseModel):
    """The process that holds a lock."""

    model_config = ConfigDict(frozen=True)

    host: str
    pid: int
    started: str  # start time as the kernel counts it, because numbers of processes are used again; "" if unknown

    @property
    def alive(self) -> bool:
        """Whether it still runs; a process of another host counts as running, since nobody here can tell."""
        return self.host != platform.node() or (_exists(self.pid) and _started(self.pid) == self.started)


def this_process() -> Owner:
    """The process that asks."""
    return Owner(host=platform.node(), pid=os.getpid(), started=_started(os.getpid()))


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Hold the lock of an output while the block runs.

    Raises:
        SoftfixError: if another run holds it, naming its process and host.
    """
    path = output.with_name(output.name + ".lock")
    mine = this_process()
    path.parent.mkdir(parents=True, exist_ok=True)
    while not _create(path, mine):
        owner = _owner(path)
        if owner is not None and owner.alive:
            raise SoftfixError(
                f"{output} is being written by another run (process {owner.pid} on {owner.host}): wait for its end, "
                f"or delete {path} if you know that it is dead."
            )
        _set_aside(path, owner)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _create(path: Path, owner: Owner) -> bool:
    """Make the lock with its content at once; False where there is one."""
    from softfix.label.store import space_on

    draft = path.with_name(f".{path.name}.{owner.pid}")
    try:
        with space_on(path):
            draft.write_text(owner.model_dump_json(), encoding="utf-8")
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def _owner(path: Path) -> Owner | None:
    """Owner that a lock names, None where it is gone or says nothing."""
    try:
        return Owner.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _set_aside(path: Path, dead: Owner | None) -> None:
    """Remove a dead owner's lock, and put back what another run may have put in its place meanwhile."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.dead")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    if _owner(aside) != dead:
        os.link(aside, path)
    aside.unlink()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> str:
    """Field 22 of /proc/pid/stat; a zombie, which a killed process may stay for a while, has none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
