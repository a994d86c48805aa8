"""DFT frames of our own: structures by a recipe, labels by GPAW.

    python calibration/data/make.py --output out/data            # every set of recipes.toml, or those named
    python calibration/data/make.py LiF --check                  # label the first committed frame again, and compare

A run that was stopped goes on: what was sampled stands beside the labels, and labels are kept one by one.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from ase.spacegroup import crystal
from pydantic import BaseModel, ConfigDict
from relaxed import relaxed

import softfix
from softfix.cli.options import read_structures
from softfix.data import read_frames, write_frames
from softfix.data.frames import Frame
from softfix.evaluations import atoms_of
from softfix.label import Workers, label_frames, load_protocol
from softfix.label.gpaw import GpawProtocol
from softfix.label.protocol import LabelProtocol
from softfix.label.store import Store, store_path
from softfix.sample import SampleSettings, sample
from softfix.sample.image import Parent
from softfix.sample.path import mapped, straight

HERE = Path(__file__).parent


class Phase(BaseModel):
    """A crystal by its space group."""

    model_config = ConfigDict(extra="forbid")

    symbols: list[str]
    basis: list[tuple[float, float, float]]
    spacegroup: int
    cell: tuple[float, float, float, float, float, float]
    primitive: bool = False

    def frame(self, name: str) -> Frame:
        """Its cell; without symmetry-equivalent copies if it is primitive."""
        atoms = crystal(
            self.symbols, self.basis, spacegroup=self.spacegroup, cellpar=self.cell, primitive_cell=self.primitive
        )
        return Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, source=name)


class Recipe(BaseModel):
    """How a set is made."""

    model_config = ConfigDict(extra="forbid")

    recipe: str
    number: int
    seed: int = 0
    phases: dict[str, Phase]
    sample: SampleSettings = SampleSettings()
    gpaw: GpawProtocol

    def structures(self, base: str) -> list[Frame]:
        """What is to be labelled, best first; of `line` a straight line with both ends, of `relaxed` the phases."""
        phases = [phase.frame(name) for name, phase in self.phases.items()]
        if self.recipe == "line":
            return line(*phases, self.number)
        if self.recipe == "relaxed":
            return [phases[0], *(aligned(phases[0], phase) for phase in phases[1:])]
        found = sample(phases, self.recipe, self.number, softfix.load_base(base).calculator, self.seed, self.sample)
        print(*found.notes, found.status, sep="\n")
        return found.frames


def line(first: Frame, last: Frame, number: int) -> list[Frame]:
    """Evenly spaced structures from the first to the last phase."""
    ends, places = (atoms_of(first), atoms_of(aligned(first, last))), np.linspace(0.0, 1.0, number)
    return [
        Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, config_type=f"kind:line;at:{place:g}")
        for place, atoms in zip(places, straight(*ends, places), strict=True)
    ]


def aligned(first: Frame, other: Frame) -> Frame:
    """Another phase with its atoms in the order, and near the sites, of the first."""
    start, end = (Parent(frame.source, atoms_of(frame)) for frame in (first, other))
    atoms = mapped(end.atoms, start, end)
    return Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, source=other.source)


def recipes(path: Path = HERE / "recipes.toml") -> dict[str, Recipe]:
    """All recipes, by the name of their set; the Pulay stress is added where they do not say otherwise."""
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    for recipe in read.values():
        recipe["gpaw"] = {"pulay": True} | recipe.get("gpaw", {})
    return {name: Recipe.model_validate(recipe) for name, recipe in read.items()}


def make(name: str, recipe: Recipe, base: str, folder: Path, protocol: LabelProtocol, workers: int) -> None:
    """Sample once, label what has no label yet; or relax."""
    if recipe.recipe == "relaxed":
        store = Store(store_path(folder / f"{name}.extxyz"))
        frames = [relaxed(phase, protocol, store) for phase in recipe.structures(base)]
        write_frames(folder / f"{name}.extxyz", frames)
        print(f"{name}: relaxed {len(frames)} phases in {len(store.outcomes)} labels", flush=True)
        return
    structures = folder / f"{name}-structures.extxyz"
    if not structures.exists():
        write_frames(structures, recipe.structures(base))
    done = label_frames(read_structures([structures]), protocol, folder / f"{name}.extxyz", Workers(workers))
    print(f"{name}: {done.status} {done.failure or ''}", flush=True)


def check(name: str, protocol: LabelProtocol, folder: Path) -> None:
    """Label the first committed frame again: how far its forces and energy are from what is committed."""
    frame = read_frames(HERE / f"{name}.extxyz")[0]
    again = label_frames([frame], protocol, folder / f"{name}-check.extxyz").labelled[0]
    forces = np.abs(again.forces - frame.forces).max()  # type: ignore[operator]  # both are labelled
    energy = abs(again.energy - frame.energy) / len(frame)  # type: ignore[operator]
    print(f"{name}: forces within {forces:.1e} eV/Å, energy within {energy:.1e} eV/atom of what is committed")


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Sets; all without any.")] = None,
    output: Annotated[Path, typer.Option(help="Folder of the sets.")] = Path("out/data"),
    base: Annotated[str, typer.Option(help="Potential of the dynamics.")] = "chgnet",
    calculator: Annotated[str, typer.Option(help="gpaw as the recipe says, or package.module:factory.")] = "gpaw",
    workers: Annotated[int, typer.Option(min=1)] = 1,
    again: Annotated[bool, typer.Option("--check", help="Compare with the committed labels instead.")] = False,
) -> None:
    """Make sets of DFT frames."""
    known = recipes()
    output.mkdir(parents=True, exist_ok=True)
    for name in names or known:
        if name not in known:
            raise SystemExit(f"There is no recipe '{name}': {', '.join(known)}.")
        recipe = known[name]
        protocol = recipe.gpaw if calculator == "gpaw" else load_protocol(calculator)
        if again:
            check(name, protocol, output)
        else:
            make(name, recipe, base, output, protocol, workers)


if __name__ == "__main__":
    typer.run(main)
