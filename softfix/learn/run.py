"""Molecular dynamics that learns, saved often enough that a kill costs seconds and changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from softfix.correction import Correction
from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.data.write import write_frames
from softfix.dynamics import Conditions, Dynamics, Moment, Stopped
from softfix.errors import SoftfixError
from softfix.files import atomic_path
from softfix.label.lock import locked
from softfix.label.protocol import LabelProtocol
from softfix.label.store import space_on
from softfix.learn.calculator import LearningCalculator
from softfix.learn.learner import Event, Geometry, Learner, Progress
from softfix.learn.settings import LearnSettings
from softfix.settings import FitSettings

if TYPE_CHECKING:
    from softfix.bases.protocol import Base


class State(BaseModel):
    """One file: everything that the next step depends on."""

    model_config = ConfigDict(extra="forbid")

    request: str  # digest of what was asked for, the number of steps left out
    step: int = 0
    arrays: dict[str, Any] = {}  # of the dynamics
    rng: dict[str, Any] = {}
    progress: Progress | None = None
    visited: list[Geometry] = []

    @property
    def moment(self) -> Moment | None:
        """Of the dynamics; None before the first step."""
        if not self.arrays:
            return None
        return Moment({name: np.array(value) for name, value in self.arrays.items()}, self.rng)


@dataclass(frozen=True)
class Learned:
    """What came of a run."""

    steps: int
    events: list[Event]
    frames: list[Frame]  # labelled
    correction: Correction | None
    visited: list[Frame]  # structures along the way
    unheard: int  # looks that found the error bar too large when no label was left
    stopped: str | None  # why the dynamics ended before its time

    @property
    def status(self) -> str:
        """In sentences."""
        share = 100.0 * len(self.events) / max(self.steps, 1)
        said = f"{self.steps} steps, {len(self.events)} calls of DFT ({share:.1f} % of the steps)."
        failed = sum(event.reason is not None for event in self.events)
        if failed:
            said += f" Labels that failed: {failed}."
        if self.unheard:
            said += f" All labels were spent; the error bar was too large {self.unheard} times after that."
        return said


def learn(
    structure: Frame, base: Base | str, protocol: LabelProtocol, folder: str | Path, steps: int, max_labels: int,
    conditions: Conditions | None = None, settings: LearnSettings | None = None,
    fit_settings: FitSettings | None = None, seed: int = 0, track: Callable[[Iterable], Iterable] = iter,
) -> Learned:  # fmt: skip
    """Run molecular dynamics on a base whose correction is learned on the way; go on where an earlier run stopped.

    Args:
        structure: a periodic cell, as large as DFT can do.
        base: potential to correct.
        protocol: how to label, see `softfix.label.load_protocol`.
        folder: of the run; `state.json` there is the last checkpoint.
        steps: of dynamics, those of earlier runs in the folder included.
        max_labels: most calls of DFT.
        conditions: temperature, pressure (NPT) and limits of the dynamics.
        settings: when to label.
        fit_settings: of the fits.
        seed: of all random numbers.
        track: wraps the checkpoints, e.g. in a progress bar.

    Raises:
        SoftfixError: if the folder belongs to another run, the calculator is missing, or labels keep failing.
    """
    from softfix.bases import load_base

    base, folder, settings = load_base(base), Path(folder), settings or LearnSettings()
    conditions = conditions or Conditions()
    protocol.check([structure])
    request = _request(structure, base, protocol, conditions, settings, fit_settings, seed, max_labels)
    with locked(folder / "state.json"):
        state, stopped = _load(folder / "state.json", request), None

        def learner() -> Learner:
            return Learner(base, protocol, folder, max_labels, settings, fit_settings, state.progress)

        for end in track(range(state.step + settings.checkpoint, steps + settings.checkpoint, settings.checkpoint)):
            # Everything is made anew from the state, as after a kill: a run that was never killed has the same numbers.
            state, stopped = _advance(state, structure, learner(), conditions, settings, min(end, steps), seed)
            if stopped:
                break
            _save(folder / "state.json", state)
        last = learner()
        visited = [geometry.frame(config_type="visited") for geometry in state.visited]
        for name, frames in (("labelled.extxyz", last.frames), ("visited.extxyz", visited)):
            if frames:
                write_frames(folder / name, frames)
    return Learned(
        state.step, last.progress.events, last.frames, last.correction, visited, last.progress.unheard, stopped
    )


def _advance(
    state: State, structure: Frame, learner: Learner, conditions: Conditions, settings: LearnSettings, end: int,
    seed: int,
) -> tuple[State, str | None]:  # fmt: skip
    """State at step `end`, or where the dynamics stopped, and why."""
    atoms = atoms_of(structure)
    calculator = LearningCalculator(learner)
    atoms.calc = calculator
    dynamics = Dynamics(atoms, conditions, np.random.default_rng(seed), state.moment)
    visited, step, stopped = list(state.visited), state.step, None
    try:
        while step < end:
            dynamics.step()
            step += 1
            if step % settings.keep == 0:
                visited.append(Geometry.of(_frame(atoms)))
    except Stopped as reason:
        stopped = f"Stopped at step {step + 1}: {reason}."
    moment = dynamics.moment
    return State(
        request=state.request,
        step=step,
        arrays={name: value.tolist() for name, value in moment.arrays.items()},
        rng=moment.rng,
        progress=learner.progress,
        visited=visited,
    ), stopped


def _frame(atoms: Any) -> Frame:
    return Frame(atoms.numbers.copy(), atoms.positions.copy(), atoms.cell.array.copy(), atoms.pbc.copy())


def _request(structure: Frame, base: Base, protocol: LabelProtocol, *rest: Any) -> str:
    texts = [value.model_dump_json() if isinstance(value, BaseModel) else repr(value) for value in rest]
    text = "\n".join([structure.content_hash, base.identity.key, protocol.digest, *texts])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _load(path: Path, request: str) -> State:
    try:
        state = State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return State(request=request)
    except ValidationError as error:
        raise SoftfixError(
            f"{path} is not the state of a learning run: move it away, or give another folder."
        ) from error
    if state.request != request:
        raise SoftfixError(
            f"{path} belongs to a run of another structure or other settings: repeat that command to go on (only "
            "--steps may grow), or give another folder with -o."
        )
    return state


def _save(path: Path, state: State) -> None:
    with space_on(path), atomic_path(path) as temporary:
        temporary.write_text(state.model_dump_json(), encoding="utf-8")
