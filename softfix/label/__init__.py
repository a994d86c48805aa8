"""DFT labels for frames: any ASE calculator, in one process or in many, resumable after a kill at any moment.

Names are imported when they are first used, so that `import softfix.label` needs neither ASE nor a DFT code.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from softfix.label.cost import Estimate, estimate
    from softfix.label.folders import Collected, collect, write_inputs
    from softfix.label.outcome import Outcome
    from softfix.label.protocols import load_protocol
    from softfix.label.run import Summary, label_frames
    from softfix.workers import Workers

_HOMES = {
    "Collected": "folders",
    "Estimate": "cost",
    "Outcome": "outcome",
    "Summary": "run",
    "Workers": "run",
    "collect": "folders",
    "estimate": "cost",
    "label_frames": "run",
    "load_protocol": "protocols",
    "write_inputs": "folders",
}

__all__ = [
    "Collected",
    "Estimate",
    "Outcome",
    "Summary",
    "Workers",
    "collect",
    "estimate",
    "label_frames",
    "load_protocol",
    "write_inputs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
