"""What the doctor says: one finding per fault, with the frames, the numbers and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from softfix.data.frames import Frame

Sure = Literal["certain", "likely", "possible"]
SURE: tuple[Sure, ...] = ("certain", "likely", "possible")  # in the order they are shown


class FrameName(BaseModel):
    """One frame by its file and its number, counted from 1; 0 where the source has no numbers."""

    model_config = ConfigDict(frozen=True)

    file: str
    number: int


class Value(BaseModel):
    """One number behind a finding, with its unit."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: float | str
    unit: str = ""


class Finding(BaseModel):
    """One fault: which check found it, how sure it is, where, the numbers, and what to do in a sentence."""

    model_config = ConfigDict(frozen=True)

    check: str
    sure: Sure
    what: str
    frames: list[FrameName]
    values: list[Value]
    advice: str


class Diagnosis(BaseModel):
    """All findings on one set of frames, the surest first."""

    model_config = ConfigDict(frozen=True)

    frames: int
    base: str | None
    checks: list[str]
    findings: list[Finding]

    @property
    def certain(self) -> bool:
        """Whether a finding is certain."""
        return any(finding.sure == "certain" for finding in self.findings)


def name_of(frame: Frame) -> FrameName:
    """File and number out of a frame's source.

    >>> import numpy as np
    >>> name_of(Frame(np.ones(1), np.zeros((1, 3)), np.eye(3), np.ones(3), source="a.xyz, frame 3"))
    FrameName(file='a.xyz', number=3)
    """
    file, _, number = frame.source.rpartition(", frame ")
    return FrameName(file=file, number=int(number)) if number.isdecimal() and file else FrameName(
        file=frame.source, number=0
    )  # fmt: skip


def finding(
    check: str, sure: Sure, what: str, frames: Sequence[Frame], advice: str, values: Iterable[tuple] = ()
) -> Finding:
    """A finding out of frames and (name, value, unit) triples."""
    numbers = [
        Value(name=name, value=value if isinstance(value, str) else float(value), unit=unit)
        for name, value, unit in values
    ]
    return Finding(check=check, sure=sure, what=what, frames=list(map(name_of, frames)), values=numbers, advice=advice)
