"""Polymorphs, double wells and switching paths of BaTiO3 and HfO2 from at most 20 frames.

    python calibration/properties/ferroelectrics.py DATA_FOLDER --base chgnet

The frames are those of gpaw/BaTiO3.extxyz and gpaw/HfO2.extxyz. Fitted: rattled and strained cells; of BaTiO3 the cubic
cell at five volumes and the first frame of each relaxation too. Measured, none of them fitted except the cubic cell of
BaTiO3 at rest, from which its energies count: energies of the polymorphs, wells along [001] and [111], switching paths.
Energies are those of the DFT geometries, per formula unit (BaTiO3) or per atom (HfO2, from the monoclinic phase).

Energies go to ferroelectrics.json, the table to ferroelectrics.md, the figure to ferroelectrics.svg. From-scratch
potentials on the same frames are not in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from ase.io import read

from softfix import screen
from softfix.bases import load_base
from softfix.correct import corrected
from softfix.data import frame_of
from softfix.data.frames import Frame
from softfix.evaluations import evaluate_base
from softfix.files import atomic_path
from softfix.fit import fit
from softfix.settings import FitSettings
from softfix.svg import drawing

HERE = Path(__file__).parent
SCALAR = FitSettings(terms=frozenset({"scale"}), domain="global")
# Differences between phases are some meV/atom: energies are trusted to 0.3 meV/atom, which converged frames deserve.
SHARP = FitSettings.model_validate({"noise": {"energy": 3e-4}})
COLOURS = {"GPAW": "#222222", "base": "#d1570a", "scalar": "#9a9a9a", "softfix": "#1f6feb", "sharp": "#2a9d5c"}


@dataclass(frozen=True)
class Path1D:
    """A line of frames: names in the file and their place on it."""

    name: str
    frames: tuple[str, ...]
    places: tuple[float, ...]


@dataclass(frozen=True)
class System:
    """What is fitted and measured of one material."""

    name: str
    zero: str  # frame that energies count from
    per: int  # atoms that energies are given for
    polymorphs: dict[str, str]
    paths: tuple[Path1D, ...]
    also_fitted: tuple[str, ...]  # beside the rattled frames


AMPLITUDES = tuple(0.25 * n for n in range(9))
LAMBDAS = (0.0, 0.15, 0.3, 0.4, 0.5)
SYSTEMS = (
    System(
        "BaTiO3",
        "cubic-v+0.00",
        5,
        {
            "tetragonal": "relax-tetragonal/6",
            "orthorhombic": "relax-orthorhombic/4",
            "rhombohedral": "relax-rhombohedral/1",
        },
        tuple(
            Path1D(f"[{d}]", ("cubic-v+0.00", *(f"path{d}-{a:.2f}" for a in AMPLITUDES[1:])), AMPLITUDES)
            for d in ("001", "111")
        ),
        (
            *(f"cubic-v{v}" for v in ("-0.04", "-0.02", "+0.00", "+0.02", "+0.04")),
            *(f"relax-{phase}/0" for phase in ("tetragonal", "orthorhombic", "rhombohedral")),
        ),
    ),
    System(
        "HfO2",
        "monoclinic-0",
        1,
        {"Pca2_1": "Pca21-0", "tetragonal": "tetragonal-0", "cubic": "cubic-0"},
        (
            Path1D("Pca2_1 up to down", ("Pca21-0", *(f"switch-{x:.2f}" for x in LAMBDAS[1:])), LAMBDAS),
            Path1D(
                "Pca2_1 to tetragonal",
                ("Pca21-0", "o2t-0.25", "o2t-0.50", "o2t-0.75", "tetragonal-0"),
                (0.0, 0.25, 0.5, 0.75, 1.0),
            ),
        ),
        (),
    ),
)  # fmt: skip


def read_named(path: Path) -> dict[str, Frame]:
    """Frames by their names in the file."""
    return {
        atoms.info["frame_id"]: frame_of(atoms, source=f"{path}, {atoms.info['frame_id']}") for atoms in read(path, ":")
    }


def measure(system: System, frames: dict[str, Frame], base: Any) -> dict[str, Any]:
    """Energies in meV of all measured frames by GPAW, base, one scalar and softfix."""
    rattled = [name for name in frames if "-r" in name and not name.startswith("relax")]
    fitted = [*rattled, *system.also_fitted]
    names = sorted({system.zero, *system.polymorphs.values(), *(name for path in system.paths for name in path.frames)})
    measured = [frames[name] for name in names]
    found = {"GPAW": [frame.energy for frame in measured], "base": [e.energy for e in evaluate_base(base, measured)]}
    for method, settings in (("scalar", SCALAR), ("softfix", FitSettings()), ("sharp", SHARP)):
        correction = fit([frames[name] for name in fitted], base, settings).correction
        found[method] = [one.energy for one in corrected(correction, measured, base)]
    energies = {}
    for method, values in found.items():
        per_unit = 1000.0 * system.per * np.array(values, dtype=float) / [len(frame) for frame in measured]
        energies[method] = dict(zip(names, (per_unit - per_unit[names.index(system.zero)]).tolist(), strict=True))
    return {"fitted": fitted, "energies_meV": energies}


def quantities(system: System, energies: dict[str, float]) -> dict[str, float]:
    """Polymorph energies, well depths and barriers in meV."""
    found = {name: energies[frame] for name, frame in system.polymorphs.items()}
    for path in system.paths:
        along = np.array([energies[name] for name in path.frames])
        if system.name == "BaTiO3":
            found[f"depth of the well along {path.name}"] = float(along[0] - along.min())
        else:
            found[f"barrier {path.name}"] = float(along.max() - along[0])
    return found


PAGE = """# Ferroelectrics from few frames, {base}

`python calibration/properties/ferroelectrics.py DATA_FOLDER --base {base}`. Energies in meV per formula unit from the
cubic phase (BaTiO3) and in meV per atom from the monoclinic phase (HfO2), at the geometries of GPAW; what was fitted:
rattled and strained cells, see the script. softfix: default settings; sharp: `noise.energy = 3e-4`.

| material | quantity | GPAW | base | scalar | softfix | sharp |
|---|---|---|---|---|---|---|
{rows}

Polymorphs: largest error in meV/atom, and whether they stand in the order of GPAW.

| material | frames fitted | base | scalar | softfix | sharp |
|---|---|---|---|---|---|
{sums}
"""


def table(results: dict[str, Any], base: str) -> str:
    """The page."""
    rows, sums = [], []
    for system in SYSTEMS:
        energies = results[system.name]["energies_meV"]
        found = {method: quantities(system, energies[method]) for method in COLOURS}
        for name in found["GPAW"]:
            cells = " | ".join(f"{found[method][name]:.1f}" for method in COLOURS)
            rows.append(f"| {system.name} | {name} | {cells} |")
        truth, cells = found["GPAW"], []
        for method in ("base", "scalar", "softfix", "sharp"):
            off = max(abs(found[method][name] - truth[name]) / system.per for name in system.polymorphs)
            same = _order(system, found[method]) == _order(system, truth)
            cells.append(f"{off:.1f}, {'yes' if same else 'no'}")
        sums.append(f"| {system.name} | {len(results[system.name]['fitted'])} | {' | '.join(cells)} |")
    return PAGE.format(base=base, rows="\n".join(rows), sums="\n".join(sums))


def _order(system: System, found: dict[str, float]) -> list[str]:
    return sorted(system.polymorphs, key=lambda name: found[name])


def figure(results: dict[str, Any], path: Path) -> None:
    """Energy along every path."""
    lines = [(system, line) for system in SYSTEMS for line in system.paths]
    with drawing(path, 8.0, 5.4) as drawn:
        axes = drawn.subplots(2, 2)
        for axis, (system, line) in zip(axes.flat, lines, strict=True):
            for method, colour in COLOURS.items():
                energies = results[system.name]["energies_meV"][method]
                along = np.array([energies[name] for name in line.frames])
                shown = along - along[0]
                style = {"lw": 2.0, "ms": 5} if method == "GPAW" else {"lw": 1.1, "ms": 3}
                axis.plot(line.places, shown, "o-", color=colour, label=method, **style)
            unit = "formula unit" if system.per > 1 else "atom"
            axis.set(title=f"{system.name}, {line.name}", ylabel=f"energy, meV per {unit}")
            if system.name == "BaTiO3":
                axis.set(ylim=(-70, 80), xlabel="amplitude of the polar mode")
            else:
                axis.set(xlabel="path")
            axis.spines[["top", "right"]].set_visible(False)
        handles = axes.flat[0].get_legend_handles_labels()
        drawn.legend(*handles, loc="outside upper center", ncols=len(COLOURS), frameon=False)


def main(
    folder: Annotated[Path, typer.Argument(help="Reference data.")],
    base: str = "chgnet",
    output: Path = HERE,
) -> None:
    """Measure, then write table and figure."""
    potential, results = load_base(base), {}
    with screen.progress("materials") as track:
        for system in track(SYSTEMS):
            frames = read_named(folder / "gpaw" / f"{system.name}.extxyz")
            results[system.name] = measure(system, frames, potential)
    with atomic_path(output / "ferroelectrics.json") as temporary:
        temporary.write_text(json.dumps({"base": base, "results": results}, indent=1), encoding="utf-8")
    with atomic_path(output / "ferroelectrics.md") as temporary:
        temporary.write_text(table(results, base), encoding="utf-8")
    figure(results, output / "ferroelectrics.svg")
    print(table(results, base))


if __name__ == "__main__":
    typer.run(main)
