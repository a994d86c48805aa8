"""The labels so far, the correction fitted to them, and the decision to ask for one more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from softfix.correction import Correction, load_correction
from softfix.data.frames import Frame
from softfix.errors import SoftfixError
from softfix.label.protocol import LabelProtocol
from softfix.label.store import Store
from softfix.learn.settings import LearnSettings
from softfix.settings import FitSettings

if TYPE_CHECKING:
    from softfix.bases.protocol import Base

HONEST = 2.0  # times the error bar below which an error (rms) bears it out


class Event(BaseModel):
    """One call of DFT: when, why, and how far off the potential was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: int  # evaluations of the driver before it
    why: str  # check, or uncertain
    uncertainty: float | None  # eV/Å, of the worst atom; None where there was no correction yet
    threshold: float | None  # eV/Å
    error: float | None  # eV/Å, force error (rms) of the potential before it learned the label
    wall_s: float
    reason: str | None  # why there is no label; None where there is one


class Geometry(BaseModel):
    """A structure in a file of the state, to the last digit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    numbers: list[int]
    positions: list[list[float]]
    cell: list[list[float]]
    pbc: list[bool]

    @classmethod
    def of(cls, frame: Frame) -> Geometry:
        """The structure of a frame."""
        arrays = (frame.numbers, frame.positions, frame.cell, frame.pbc)
        return cls(**dict(zip(cls.model_fields, (array.tolist() for array in arrays), strict=True)))

    def frame(self, **what: Any) -> Frame:
        """A bare frame of it."""
        return Frame(
            np.array(self.numbers), np.array(self.positions).reshape(-1, 3), np.array(self.cell), np.array(self.pbc),
            **what,
        )  # fmt: skip


class Progress(BaseModel):
    """What a learner knows beside its settings; with the files of its folder enough to go on exactly."""

    model_config = ConfigDict(extra="forbid")

    evaluations: int = 0
    last: str = ""  # content hash of the structure met last
    labelled_at: int = -(10**9)
    next_check: int = 0
    interval: int = 0
    unheard: int = 0  # looks that found the error bar too large when no label was left
    events: list[Event] = []
    labelled: list[Geometry] = []


@dataclass(frozen=True)
class Verdict:
    """What the error bar says of a structure."""

    uncertainty: float | None
    threshold: float | None

    @property
    def unsure(self) -> bool:
        """Whether the error bar is too large."""
        return self.uncertainty is not None and self.threshold is not None and self.uncertainty > self.threshold


class Learner:
    """Labels what it is unsure of and fits the correction anew; any driver may use it, see `LearningCalculator`.

    In its folder: `labels.jsonl`, every outcome of DFT by geometry, on disk before it is used, so that a run that is
    repeated or resumed asks for none twice; `corrections/NNN.softfix`, the correction after NNN labels.
    """

    def __init__(
        self, base: Base | str, protocol: LabelProtocol, folder: str | Path, max_labels: int,
        settings: LearnSettings | None = None, fit_settings: FitSettings | None = None,
        progress: Progress | None = None, known: Sequence[Frame] = (),
    ):  # fmt: skip
        """Start with nothing but the base, or with frames that are `known`, or go on from a `progress`."""
        from softfix.bases import load_base

        self.base, self.protocol, self.folder = load_base(base), protocol, Path(folder)
        self.max_labels, self.settings = max_labels, settings or LearnSettings()
        self.fit_settings, self.known = fit_settings, list(known)
        start = Progress(next_check=self.settings.check, interval=self.settings.check)
        self.progress = (progress or start).model_copy(deep=True)
        self.store = Store(self.folder / "labels.jsonl")
        self.frames = [*self.known, *map(self._labelled, self.progress.labelled)]
        self.correction = self._fitted() if self.frames else None
        self.potential = self._potential()

    @property
    def labels(self) -> int:
        """Calls of DFT so far, failures included."""
        return len(self.progress.events)

    def meets(self, frame: Frame) -> str | None:
        """Count an evaluation of a structure; say why it is to be labelled, None where it is not."""
        progress, settings = self.progress, self.settings
        if frame.content_hash == progress.last:
            return None
        progress.last, progress.evaluations = frame.content_hash, progress.evaluations + 1
        now = progress.evaluations
        if now >= progress.next_check and self.labels < self.max_labels:
            return "check"
        if self.correction is None or now % settings.every or now - progress.labelled_at <= settings.pause:
            return None
        if not self.verdict().unsure:
            return None
        if self.labels >= self.max_labels:
            progress.unheard += 1
            return None
        return "uncertain"

    def verdict(self) -> Verdict:
        """The error bar of the structure evaluated last: its worst atom's (rms of the three components).

        That large forces have larger errors is taken out of it: no label can help there.
        """
        if self.correction is None:
            return Verdict(None, None)
        bars = self.potential.extra_results["uncertainty_forces"]
        size = np.sum(self.potential.results["forces"] ** 2, axis=1) / self.correction.fit.force_scale_eV_A**2
        worst = float(np.sqrt((bars**2).mean(axis=1) / (1.0 + size)).max())
        return Verdict(worst, threshold_of(self.correction, self.settings))

    def learn(self, frame: Frame, forces: np.ndarray, why: str) -> None:
        """Label a structure and fit anew; a label that fails is an event too.

        Args:
            frame: the structure.
            forces: (atoms, 3) eV/Å, of the potential as it is.
            why: what `meets` said.

        Raises:
            SoftfixError: if several labels failed one after another.
        """
        progress, verdict = self.progress, self.verdict()
        outcome = self.store.labelled(self.protocol, frame)
        error = None
        if outcome.reason is None:
            error = float(np.sqrt(np.mean((np.array(outcome.forces) - forces) ** 2)))
        progress.events.append(
            Event(
                at=progress.evaluations, why=why, uncertainty=verdict.uncertainty, threshold=verdict.threshold,
                error=error, wall_s=outcome.wall_s, reason=outcome.reason,
            )
        )  # fmt: skip
        progress.labelled_at = progress.evaluations
        borne_out = self._borne_out(error)
        if outcome.reason is None:
            progress.labelled.append(Geometry.of(frame))
            self.frames.append(outcome.on(frame))
            self.correction = self._fitted()
            self.potential = self._potential()
        progress.interval *= 2 if borne_out and not self._gains() else 1
        progress.next_check = progress.evaluations + progress.interval
        self._stop_if_all_fail()

    def _borne_out(self, error: float | None) -> bool:
        if error is None or self.correction is None or self.correction.fit.domain == "none":
            return False
        bars = self.potential.extra_results["uncertainty_forces"]
        return error <= HONEST * float(np.sqrt((bars**2).mean()))

    def _gains(self) -> bool:
        """Whether ten times as many labels would be worth it, if the error goes on as a power of their number."""
        if self.correction is None or self.labels >= (1.0 - self.settings.reserve) * self.max_labels:
            return False
        held = self.correction.fit.held_out
        expected = held.expected(10.0) if held else None
        if held is None or expected is None:
            return True  # too few to tell
        return held.corrected > max(self.settings.least, self.settings.gain * expected)

    def _labelled(self, geometry: Geometry) -> Frame:
        frame = geometry.frame(config_type="learned")
        found = self.store.outcomes.get((frame.content_hash, self.protocol.digest))
        if found is None:
            raise SoftfixError(
                f"{self.store.path} lacks a label that the state of this run counts on: put the file back, or begin "
                "in another folder."
            )
        return found.on(frame)

    def _fitted(self) -> Correction:
        """Fit once per number of labels; the file is what is used, so that a resumed run has the same numbers."""
        from softfix.fitting import fit

        path = self.folder / "corrections" / f"{len(self.frames):03d}.softfix"
        result = None
        if path.is_file():
            result = load_correction(path)
        if result is None or result.data.sha256 != _digest(self.frames):
            fit(self.frames, self.base, self.fit_settings).correction.save(path)
            result = load_correction(path)
        return result

    def _potential(self) -> Any:
        from softfix.calculator import CorrectedCalculator

        return self.base.calculator() if self.correction is None else CorrectedCalculator(self.base, self.correction)

    def _stop_if_all_fail(self) -> None:
        last = self.progress.events[-self.settings.failures :]
        if len(last) == self.settings.failures and all(event.reason for event in last):
            raise SoftfixError(
                f"The last {len(last)} labels failed (the last: {last[-1].reason}): mend the settings of the "
                f"calculator; {self.store.path} has the reasons."
            )


def threshold_of(correction: Correction, settings: LearnSettings) -> float:
    """Error bar in eV/Å above which a structure is labelled: `factor` times the calibrated noise, and `least` at least.

    The noise is what no label can take away; only what is above it can be learned.
    """
    noise = correction.fit.calibration * correction.fit.noise["forces_eV_A"]
    return settings.threshold or max(settings.factor * noise, settings.least)


def _digest(frames: Sequence[Frame]) -> str:
    from softfix.data.frames import data_digest

    return data_digest(frames)
