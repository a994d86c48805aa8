"""Polymorphs, double wells and switching paths of BaTiO3, HfO2, PbTiO3 and PbZrO3 from at most 20 frames.

    python calibration/properties/ferroelectrics.py DATA_FOLDER --base chgnet
    python calibration/properties/ferroelectrics.py DATA_FOLDER --method gap --peers FOLDER

BaTiO3 and HfO2: the frames are those of gpaw/BaTiO3.extxyz and gpaw/HfO2.extxyz. Fitted: rattled and strained cells;
of BaTiO3 the cubic cell at five volumes and the first frame of each relaxation too. Measured, none of them fitted
except the cubic cell of BaTiO3 at rest, from which its energies count: energies of the polymorphs, wells along [001]
and [111], switching paths. PbTiO3 and PbZrO3: eight frames of calibration/data/NAME-minimalist.extxyz fitted, the line
from the cubic to the polar phase in NAME-line.extxyz measured. Energies are those of the DFT geometries, per formula
unit, or per atom (HfO2, from the monoclinic phase). Methods are the columns of the scoreboard, and `sharp`, softfix
with energies trusted to 0.3 meV/atom.

Energies go to ferroelectrics.json, method by method: what it holds, made with the same settings, is not measured
again. The table goes to ferroelectrics.md, the figure to ferroelectrics.svg.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from ase.io import read

from softfix import screen
from softfix.bases import load_base
from softfix.benchmark import Method
from softfix.correct import corrected
from softfix.data import frame_of, read_frames
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation
from softfix.files import atomic_path
from softfix.fitting import fit
from softfix.settings import FitSettings
from softfix.svg import drawing

HERE = Path(__file__).parent
OWN = HERE.parent / "data"
sys.path.insert(0, str(HERE.parent / "scoreboard"))
from peer import methods  # noqa: E402  # needs the path

# Differences between phases are some meV/atom: energies are trusted to 0.3 meV/atom, which converged frames deserve.
SHARP = FitSettings.model_validate({"noise": {"energy": 3e-4}})
COLOURS = {"GPAW": "#222222", "base": "#d1570a", "scalar": "#9a9a9a", "softfix": "#1f6feb", "sharp": "#2a9d5c",
           "finetune": "#8e5bd0", "gap": "#c2a000", "allegro": "#d05b8e"}  # fmt: skip


def predict_sharp(train: Sequence[Frame], test: Sequence[Frame], base: Any, seed: int) -> list[Evaluation]:
    """The correction with sharp energies."""
    return corrected(fit(train, base, SHARP).correction, test, base)


SHARPLY = Method("sharp", predict_sharp, lambda family: SHARP.model_dump())


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
LINE = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
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
    *(
        System(
            name, "line-0", 5, {polar: "line-1"},
            (Path1D(f"cubic to {polar}", tuple(f"line-{x:g}" for x in LINE), LINE),), (),
        )
        for name, polar in (("PbTiO3", "tetragonal"), ("PbZrO3", "polar"))
    ),
)  # fmt: skip


def frames_of(system: System, folder: Path) -> dict[str, Frame]:
    """Frames of a material by their names; those of our own sets are called fitted-N and line-PLACE."""
    if not (OWN / f"{system.name}-line.extxyz").is_file():
        path = folder / "gpaw" / f"{system.name}.extxyz"
        return {a.info["frame_id"]: frame_of(a, source=f"{path}, {a.info['frame_id']}") for a in read(path, ":")}
    fitted, line = (read_frames(OWN / f"{system.name}-{part}.extxyz") for part in ("minimalist", "line"))
    named = {f"fitted-{number}": frame for number, frame in enumerate(fitted)}
    return named | {f"line-{frame.config_type.split('at:')[1]}": frame for frame in line}


def is_fitted(system: System, name: str) -> bool:
    """Whether a frame is one of the fit."""
    rattled = "-r" in name and not name.startswith("relax")
    return rattled or name in system.also_fitted or name.startswith("fitted-")


def labelled(system: System, frames: dict[str, Frame]) -> dict[str, Any]:
    """What is fitted of a material, and the energies of GPAW of what is measured."""
    fitted = [name for name in frames if is_fitted(system, name)]
    names = sorted({system.zero, *system.polymorphs.values(), *(name for path in system.paths for name in path.frames)})
    truth = from_zero(system, {name: (frames[name].energy, len(frames[name])) for name in names})
    return {"fitted": fitted, "energies_meV": {"GPAW": truth}, "settings": {}}


def measure(system: System, frames: dict[str, Frame], base: Any, method: Method, result: dict[str, Any]) -> dict:
    """Energies in meV of all measured frames by one method."""
    names = list(result["energies_meV"]["GPAW"])
    measured = [frames[name] for name in names]
    predicted = method.predict([frames[name] for name in result["fitted"]], measured, base, 0)
    found = zip(names, predicted, measured, strict=True)
    return from_zero(system, {name: (one.energy, len(frame)) for name, one, frame in found})


def from_zero(system: System, found: dict[str, tuple[float, int]]) -> dict[str, float]:
    """Energies (eV) of frames of so many atoms as differences in meV, for the unit in which they are given."""
    unit = {name: 1000.0 * system.per * energy / atoms for name, (energy, atoms) in found.items()}
    return {name: energy - unit[system.zero] for name, energy in unit.items()}


def quantities(system: System, energies: dict[str, float]) -> dict[str, float]:
    """Polymorph energies, well depths and barriers in meV."""
    found = {name: energies[frame] for name, frame in system.polymorphs.items()}
    for path in system.paths:
        along = np.array([energies[name] for name in path.frames])
        if system.per > 1:
            found[f"depth of the well along {path.name}"] = float(along[0] - along.min())
        else:
            found[f"barrier {path.name}"] = float(along.max() - along[0])
    return found


PAGE = """# Ferroelectrics from few frames, {base}

`python calibration/properties/ferroelectrics.py DATA_FOLDER --base {base}`. Energies in meV per formula unit from the
cubic phase (perovskites) and in meV per atom from the monoclinic phase (HfO2), at the geometries of GPAW; what was
fitted: rattled and strained cells, see the script. softfix: default settings; sharp: `noise.energy = 3e-4`.

| material | quantity | {methods} |
|---|---|{dashes}
{rows}

Polymorphs: largest error in meV/atom, and whether they stand in the order of GPAW.

| material | frames fitted | {others} |
|---|---|{fewer}
{sums}
"""


def table(results: dict[str, Any], base: str) -> str:
    """The page; a method has no number for a material that it was not run on."""
    rows, sums = [], []
    shown = [name for name in COLOURS if any(name in results[system.name]["energies_meV"] for system in SYSTEMS)]
    for system in SYSTEMS:
        energies = results[system.name]["energies_meV"]
        found = {method: quantities(system, energies[method]) for method in shown if method in energies}
        for name in found["GPAW"]:
            cells = " | ".join(f"{found[method][name]:.1f}" if method in found else "" for method in shown)
            rows.append(f"| {system.name} | {name} | {cells} |")
        truth, cells = found["GPAW"], []
        for method in shown[1:]:
            if method not in found:
                cells.append("")
                continue
            off = max(abs(found[method][name] - truth[name]) / system.per for name in system.polymorphs)
            same = _order(system, found[method]) == _order(system, truth)
            cells.append(f"{off:.1f}, {'yes' if same else 'no'}")
        sums.append(f"| {system.name} | {len(results[system.name]['fitted'])} | {' | '.join(cells)} |")
    columns = {"methods": " | ".join(shown), "others": " | ".join(shown[1:])}
    columns |= {"dashes": "---|" * len(shown), "fewer": "---|" * (len(shown) - 1)}
    return PAGE.format(base=base, rows="\n".join(rows), sums="\n".join(sums), **columns)


def _order(system: System, found: dict[str, float]) -> list[str]:
    """Polymorphs and the phase that energies count from, lowest first."""
    return sorted([*system.polymorphs, ""], key=lambda name: found.get(name, 0.0))


def figure(results: dict[str, Any], path: Path) -> None:
    """Energy along every path."""
    lines = [(system, line) for system in SYSTEMS for line in system.paths]
    with drawing(path, 8.0, 7.8) as drawn:
        axes = drawn.subplots(3, 2)
        for axis, (system, line) in zip(axes.flat, lines, strict=True):
            found = results[system.name]["energies_meV"]
            for method in (name for name in COLOURS if name in found):
                along = np.array([found[method][name] for name in line.frames])
                shown = along - along[0]
                style = {"lw": 2.0, "ms": 5} if method == "GPAW" else {"lw": 1.1, "ms": 3}
                axis.plot(line.places, shown, "o-", color=COLOURS[method], label=method, **style)
            truth = np.array([found["GPAW"][name] for name in line.frames])
            low, high = np.min(truth - truth[0]), np.max(truth - truth[0])
            high = min(high, -1.5 * low) if low < 0.0 else high  # the well, not the wall behind it
            unit = "formula unit" if system.per > 1 else "atom"
            axis.set(title=f"{system.name}, {line.name}", ylabel=f"energy, meV per {unit}")
            axis.set(ylim=(low - 0.3 * (high - low), high + 0.3 * (high - low)), xlabel="path")
            axis.spines[["top", "right"]].set_visible(False)
        handles = axes.flat[0].get_legend_handles_labels()
        drawn.legend(*handles, loc="outside upper center", ncols=len(COLOURS) // 2, frameon=False)


def main(
    folder: Annotated[Path, typer.Argument(help="Reference data.")],
    base: str = "chgnet",
    method: Annotated[list[str], typer.Option()] = ["base", "scalar", "softfix", "sharp"],  # noqa: B006
    peers_folder: Annotated[Path | None, typer.Option("--peers", help="Folder of the peers' environments.")] = None,
    output: Path = HERE,
) -> None:
    """Measure, then write table and figure."""
    potential, path = load_base(base), output / "ferroelectrics.json"
    known = methods(peers_folder) | {"sharp": SHARPLY}
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"base": base, "results": {}}
    results = before["results"] if before["base"] == base else {}
    digests = {name: known[name].digest(potential.identity.family) for name in method}
    frames = {system.name: frames_of(system, folder) for system in SYSTEMS}
    for system in SYSTEMS:
        results.setdefault(system.name, labelled(system, frames[system.name]))
    cells = [(system, name) for system in SYSTEMS for name in method]
    with screen.progress("fits") as track:
        for system, name in track([c for c in cells if results[c[0].name]["settings"].get(c[1]) != digests[c[1]]]):
            result = results[system.name]
            result["energies_meV"][name] = measure(system, frames[system.name], potential, known[name], result)
            result["settings"][name] = digests[name]
            with atomic_path(path) as temporary:
                temporary.write_text(json.dumps({"base": base, "results": results}, indent=1), encoding="utf-8")
    with atomic_path(output / "ferroelectrics.md") as temporary:
        temporary.write_text(table(results, base), encoding="utf-8")
    figure(results, output / "ferroelectrics.svg")
    print(table(results, base))


if __name__ == "__main__":
    typer.run(main)
