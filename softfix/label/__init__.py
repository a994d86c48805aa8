"""DFT labels for frames: any ASE calculator, in one process or in many, resumable after a kill at any moment.

Names are imported when they are first used, so that `import softfix.label` needs neither ASE nor a DFT code.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from softfix.label.cost import Estimate, estimate
    from softfix.label.outcome import Outcome
    from softfix.label.protocols import load_protocol
    from softfix.label.run import Summary, label_frames
    from softfix.label.workers import Workers

_HOMES = {
    "Estimate": "cost",
    "Outcome": "outcome",
    "Summary": "run",
    "Workers": "workers",
    "estimate": "cost",
    "label_frames": "run",
    "load_protocol": "protocols",
}

__all__ = [
    "Estimate",
    "Outcome",
    "Summary",
    "Workers",
    "estimate",
    "label_frames",
    "load_protocol",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
