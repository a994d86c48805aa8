"""A folder per frame for those who run DFT elsewhere: inputs go out, results come back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from softfix.data.frames import Frame
from softfix.data.keys import LabelKeys
from softfix.data.reason import reason_of
from softfix.data.write import write_frames
from softfix.errors import SoftfixError
from softfix.files import atomic_path
from softfix.label.lock import locked
from softfix.label.outcome import Task
from softfix.label.program import ProgramProtocol, Waiting
from softfix.label.protocol import Unusable, usable
from softfix.label.protocols import protocol_class
from softfix.label.store import space_on

SETTINGS, FRAME = "protocol.json", "frame.extxyz"


class Settings(BaseModel):
    """What the folders of frames have in common, as it stands beside them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calculator: str
    settings: dict


@dataclass(frozen=True)
class Collected:
    """What the folders of frames hold."""

    labelled: list[Frame]
    failed: list[tuple[str, str]]  # folder and reason
    waiting: list[tuple[str, str]]  # folder and what is missing

    @property
    def status(self) -> str:
        """In sentences."""
        text = f"{len(self.labelled)} labelled, {len(self.waiting)} waiting, {len(self.failed)} failed."
        for what, some in (("Failed", self.failed), ("Waiting", self.waiting)):
            if some:
                text += f" {what} first: {some[0][0]} ({some[0][1]})."
        return text


def write_inputs(frames: Sequence[Frame], protocol: object, jobs: str | Path) -> int:
    """Write the inputs of each frame into a folder jobs/<hash of its geometry>, and leave those that are there.

    Args:
        frames: structures in Å; copies get one folder.
        protocol: settings of a program (vasp, espresso).
        jobs: folder of folders.

    Returns:
        How many folders were made.

    Raises:
        SoftfixError: for a calculator without input files, other settings than those of folders that are there, or
            if a file for an element is missing.
    """
    jobs = Path(jobs)
    if not isinstance(protocol, ProgramProtocol):
        raise SoftfixError("Only vasp and espresso have input files to write; label with the others directly.")
    protocol.check_inputs(frames)
    with locked(jobs / SETTINGS), space_on(jobs):
        _keep_settings(protocol, jobs / SETTINGS)
        return sum(_write_folder(frame, protocol, jobs / frame.content_hash[:16]) for frame in frames)


def collect(jobs: str | Path, output: str | Path) -> Collected:
    """Read the results that are there, and write the labelled frames as extended XYZ.

    Args:
        jobs: folder that `write_inputs` filled.
        output: file to write; not touched where nothing is labelled.

    Raises:
        SoftfixError: if `jobs` is no such folder, `output` holds frames that are not in it, or the disk is full.
    """
    jobs, output = Path(jobs), Path(output)
    protocol = _read_settings(jobs / SETTINGS)
    frames = {path.parent: _read_frame(path) for path in sorted(jobs.glob(f"*/{FRAME}"))}
    _see_that_output_is_ours(output, frames.values())
    labelled, failed, waiting = [], [], []
    for folder, frame in frames.items():
        try:
            evaluation = usable(protocol.read(frame, folder), protocol.max_force)
        except Waiting as error:
            waiting.append((str(folder), str(error)))
        except Unusable as error:
            failed.append((str(folder), str(error)))
        except Exception as error:  # ASE raises whatever an output makes it stumble on
            failed.append((str(folder), f"the results cannot be read ({reason_of(error)})"))
        else:
            labelled.append(Task(protocol, protocol.digest, protocol.level, frame).outcome(evaluation).on(frame))
    if labelled:
        with locked(output), space_on(output):
            write_frames(output, labelled)
    return Collected(labelled, failed, waiting)


def _write_folder(frame: Frame, protocol: ProgramProtocol, folder: Path) -> bool:
    """Make a folder; its frame is written last, so that a folder with a frame is complete."""
    if (folder / FRAME).exists():
        return False
    folder.mkdir(parents=True, exist_ok=True)
    protocol.write(frame, folder)
    bare = Frame(frame.numbers, frame.positions, frame.cell, frame.pbc, config_type=frame.config_type)
    write_frames(folder / FRAME, [bare])
    return True


def _read_frame(path: Path) -> Frame:
    from softfix.data.read import read_frames

    (frame,) = read_frames(path, LabelKeys(required=False))
    return frame


def _see_that_output_is_ours(output: Path, frames: Iterable[Frame]) -> None:
    """A file of other frames is not overwritten."""
    from softfix.data.read import read_frames

    if not output.exists():
        return
    ours = {frame.content_hash for frame in frames}
    there = read_frames(output, LabelKeys(required=False), float("inf"))
    if foreign := [frame for frame in there if frame.content_hash not in ours]:
        raise SoftfixError(f"{foreign[0].source} is not of this collection: give another --output, or move it away.")


def _keep_settings(protocol: ProgramProtocol, path: Path) -> None:
    if path.exists():
        if _read_settings(path).digest != protocol.digest:
            raise SoftfixError(
                f"The folders beside {path} were written with other settings: give another folder for these."
            )
        return
    settings = Settings(calculator=protocol.name, settings=protocol.model_dump(mode="json"))
    with atomic_path(path) as temporary:
        temporary.write_text(settings.model_dump_json(indent=2), encoding="utf-8")


def _read_settings(path: Path) -> ProgramProtocol:
    if not path.is_file():
        raise SoftfixError(f"{path} does not exist: softfix collect reads folders that it wrote with --inputs FRAMES.")
    try:
        settings = Settings.model_validate_json(path.read_bytes())
        protocol = protocol_class(settings.calculator).model_validate(settings.settings)
    except (ValidationError, KeyError) as error:
        raise SoftfixError(f"{path} is damaged ({reason_of(error)}): write the inputs into a new folder.") from error
    assert isinstance(protocol, ProgramProtocol)
    return protocol
