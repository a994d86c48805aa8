"""DFT frames: reading, checking, writing."""

from softfix.data.frames import Frame
from softfix.data.keys import LabelKeys
from softfix.data.read import read_frames

__all__ = ["Frame", "LabelKeys", "read_frames"]
