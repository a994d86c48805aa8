"""How a command reads its labelled frames: the same five options for each."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer


@dataclass(frozen=True)
class Labels:
    """Keys of the labels, the usual ones where none is given, and what is believed."""

    energy_key: Annotated[str | None, typer.Option(help="Key of the energy (eV).")] = None
    forces_key: Annotated[str | None, typer.Option(help="Key of the forces (eV/Å).")] = None
    stress_key: Annotated[str | None, typer.Option(help="Key of the stress (eV/Å^3, tension positive).")] = None
    virials_key: Annotated[str | None, typer.Option(help="Key of the virials (eV, minus dE/dstrain).")] = None
    max_force: Annotated[float, typer.Option(help="Largest believable force in eV/Å.")] = 50.0

    @property
    def keys(self) -> Any:
        """The keys, as the readers of files take them."""
        from softfix.data import LabelKeys

        return LabelKeys(
            energy=self.energy_key, forces=self.forces_key, stress=self.stress_key, virials=self.virials_key
        )

    def read(self, paths: list[Path]) -> Any:
        """Labelled frames of several files, checked."""
        from softfix.data import read_frames

        return read_frames(paths, self.keys, self.max_force)


def reads_labels(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `labels` the options that make them."""
    options = inspect.signature(Labels, eval_str=True).parameters.values()
    own = inspect.signature(command, eval_str=True).parameters.values()

    @functools.wraps(command)
    def run(**given: Any) -> None:
        labels = Labels(**{field.name: given.pop(field.name) for field in fields(Labels)})
        command(**given, labels=labels)

    parameters = [*(one for one in own if one.name != "labels"), *options]
    named = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    run.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]  # what typer reads
    run.__annotations__ = {one.name: one.annotation for one in named}
    return run
