"""DFT frames: reading, checking, writing.

Names are imported when they are first used, so that `import softfix.data` needs neither ASE nor phonopy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from softfix.data.check import SoftfixWarning, check_frames
    from softfix.data.frames import Frame
    from softfix.data.keys import LabelKeys
    from softfix.data.labels import atoms_of, frame_of
    from softfix.data.read import read_frames
    from softfix.data.write import write_frames

__all__ = [
    "Frame",
    "LabelKeys",
    "SoftfixWarning",
    "atoms_of",
    "check_frames",
    "frame_of",
    "read_frames",
    "write_frames",
]

_HOMES = {
    "Frame": "frames",
    "LabelKeys": "keys",
    "SoftfixWarning": "check",
    "atoms_of": "labels",
    "check_frames": "check",
    "frame_of": "labels",
    "read_frames": "read",
    "write_frames": "write",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
