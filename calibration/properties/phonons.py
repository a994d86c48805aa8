"""Phonons of a base, before and after a fit to at most two displaced supercells of each compound.

    python calibration/properties/phonons.py DATA_FOLDER --base chgnet

The supercells to fit are chosen by geometry (softfix.suggest). The slope of forces is measured on the supercells that
were not fitted; force constants and frequencies of a potential come from displacements of its own, 0.02 Å against the
directions of the data, and are compared with those of all DFT forces. `needed` is the number of displacements that the
symmetry leaves, opposite ones counted where it does not join them: where it is more than what was fitted, some are
extrapolated. For compounds with two supercells in all, the slope of forces after fitting one is the honest one.

Lines are added to phonons.jsonl; what it holds, made with the same settings, is not measured again. The table goes to
phonons.md, the figure to phonons.svg.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from ase import Atoms

from softfix import screen
from softfix.bases import load_base
from softfix.benchmark import digest_of
from softfix.correct import corrected
from softfix.data import read_frames
from softfix.data.frames import Frame
from softfix.data.keys import LabelKeys
from softfix.data.labels import atoms_of
from softfix.evaluations import evaluate_base
from softfix.files import atomic_path
from softfix.fitting import fit
from softfix.lines import Lines
from softfix.measure import slope
from softfix.properties.phonons import PhononSettings, analyse, compare, symmetric_displacements
from softfix.settings import FitSettings
from softfix.suggest import suggest
from softfix.svg import drawing

HERE = Path(__file__).parent
OWN_DISTANCE = 0.02  # Å
MESH = PhononSettings(mesh=30.0, path=20)
# Forces after displacements of 0.01 Å are known to some 1e-4 eV/Å, far better than those of hot frames; with so few of
# them the amplitudes stay where they are. Chosen on CaTiO3, MgB2, MgO, SiO2, SnO2 and ZnO by the error on supercells
# that were not fitted; the other compounds took no part.
HARMONIC = FitSettings.model_validate(
    {"domain": "global", "max_steps": 0, "noise": {"forces": 3e-4, "forces_relative": 0.0}, "prior": {"pair": 0.1}}
)


def read_compounds(folder: Path) -> dict[str, list[Frame]]:
    """Displaced supercells of every compound, each with the perfect one as its reference."""
    perfect = read_frames(folder / "phonons-perfect.extxyz.gz", LabelKeys(required=False))
    known = {frame.config_type: frame for frame in perfect}
    found = defaultdict(list)
    for frame in read_frames(folder / "phonons-displaced.extxyz.gz"):
        found[frame.config_type].append(replace(frame, reference=known[frame.config_type]))
    return dict(found)


def measure(frames: list[Frame], base: Any, k: int, settings: FitSettings) -> dict[str, Any]:
    """Everything about one compound after fitting k of its supercells."""
    start = time.process_time()
    fitted = sorted(one.index for one in suggest(frames, k))
    correction = fit([frames[i] for i in fitted], base, settings).correction
    cpu = time.process_time() - start
    others = [frame for i, frame in enumerate(frames) if i not in fitted]
    perfect = atoms_of(frames[0].reference)  # type: ignore[arg-type]  # read_compounds gives one
    needed = symmetric_displacements(perfect, 0.01)
    line = {"frames": len(frames), "needed": len(needed), "fitted": fitted, "scale": 1 + correction.scale, "cpu_s": cpu}
    if others:
        dft = np.concatenate([frame.forces for frame in others])
        for name, found in (("base", evaluate_base(base, others)), ("corrected", corrected(correction, others, base))):
            own = np.concatenate([evaluation.forces for evaluation in found])
            line[f"{name}_slope"], line[f"{name}_mae"] = slope(dft, own), float(np.abs(own - dft).mean())
    reference = analyse(perfect, _moves(frames, perfect), np.array([frame.forces for frame in frames]), MESH)
    line["max_frequency"] = float(reference.arrays["frequencies"].max())
    moves = -symmetric_displacements(perfect, OWN_DISTANCE)
    mine = [_displaced(frames[0], perfect, move) for move in moves]
    for name, found in (("base", evaluate_base(base, mine)), ("corrected", corrected(correction, mine, base))):
        own = analyse(perfect, moves, np.array([evaluation.forces for evaluation in found]), MESH)
        for quantity, _, value in compare(own, reference):
            line[f"{name} {quantity}"] = value
    return line


def _moves(frames: list[Frame], perfect: Atoms) -> np.ndarray:
    return np.array([frame.positions - perfect.positions for frame in frames])


def _displaced(frame: Frame, perfect: Atoms, move: np.ndarray) -> Frame:
    return replace(frame, positions=perfect.positions + move, forces=None)


TABLE = """# Phonons of {base}

`python calibration/properties/phonons.py DATA_FOLDER --base {base}`. Potential over DFT: the largest frequency, the
force constants, and the forces on the supercells that were not fitted. Needed: displacements that symmetry leaves;
where it is more than what was fitted, the rest is extrapolation.

| {head} |
|{rule}
{rows}

{summary}
"""
HEAD = (
    "compound", "needed", "fitted", "max frequency: base", "corrected", "force constants: base", "corrected",
    "forces: base", "corrected", "force MAE, corrected over base",
)  # fmt: skip


def table(lines: list[dict[str, Any]], base: str) -> str:
    """The page."""
    rows = []
    for line in lines:
        ratio = f"{line['corrected_mae'] / line['base_mae']:.2f}" if "base_mae" in line else ""
        cells = [line["compound"], line["needed"], f"{len(line['fitted'])} of {line['frames']}"]
        for name in ("max frequency ratio", "force-constant slope"):
            cells += [f"{line[f'{role} {name}']:.3f}" for role in ("base", "corrected")]
        cells += [f"{line[f'{role}_slope']:.3f}" if f"{role}_slope" in line else "" for role in ("base", "corrected")]
        rows.append("| " + " | ".join(map(str, [*cells, ratio])) + " |")
    head, rule = " | ".join(HEAD), "---|" * len(HEAD)
    return TABLE.format(base=base, head=head, rule=rule, rows="\n".join(rows), summary=summary(lines))


def summary(lines: list[dict[str, Any]]) -> str:
    """Medians over compounds, for each number of fitted supercells."""
    parts = []
    for k in sorted({line["k"] for line in lines}):
        mine = [line for line in lines if line["k"] == k]
        part = f"{k} fitted ({len(mine)} compounds):"
        for role in ("base", "corrected"):
            off = np.median([abs(line[f"{role} max frequency ratio"] - 1.0) for line in mine])
            constants = np.median([line[f"{role} force-constant slope"] for line in mine])
            slopes = [line[f"{role}_slope"] for line in mine if f"{role}_slope" in line]
            part += f" {role}: median |max-frequency ratio - 1| {off:.3f}, median force-constant slope {constants:.3f}"
            part += f", median force slope {np.median(slopes):.3f} ({len(slopes)} compounds);" if slopes else ";"
        parts.append("- " + part.rstrip(";") + ".")
    return "\n".join(parts)


def figure(lines: list[dict[str, Any]], path: Path) -> None:
    """Ratio of the largest frequency and slope of force constants, base and corrected."""
    most = {line["compound"]: line for line in sorted(lines, key=lambda line: line["k"])}
    names = sorted(most, key=lambda name: most[name]["base force-constant slope"])
    with drawing(path, 8.0, 3.6) as drawn:
        axes = drawn.subplots(1, 2, sharey=True)
        for axis, quantity in zip(axes, ("max frequency ratio", "force-constant slope"), strict=True):
            axis.axvspan(*((0.98, 1.02) if "max" in quantity else (0.97, 1.03)), color="#e8e8e8", lw=0)
            for role, colour in (("base", "#d1570a"), ("corrected", "#1f6feb")):
                values = [most[name][f"{role} {quantity}"] for name in names]
                axis.plot(values, range(len(names)), "o", color=colour, label=role, ms=5)
            axis.axvline(1.0, color="black", lw=0.6)
            axis.set(xlabel=quantity.replace(" ratio", "") + ", potential / DFT")
            axis.set_yticks(range(len(names)), [name.replace("_?", "").replace("_", " ") for name in names])
            axis.spines[["top", "right"]].set_visible(False)
        drawn.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)


def latest(lines: list[dict[str, Any]], base: str) -> dict[tuple[str, int], dict[str, Any]]:
    """The last line of every compound and number of supercells."""
    return {(line["compound"], line["k"]): line for line in lines if line["base"] == base}


def main(
    folder: Annotated[Path, typer.Argument(help="Reference data.")],
    base: str = "chgnet",
    size: Annotated[list[int], typer.Option("-k", "--size", help="Supercells fitted.")] = [1, 2],  # noqa: B006
    compound: Annotated[list[str] | None, typer.Option(help="Only these.")] = None,
    output: Path = HERE,
) -> None:
    """Measure what is missing, then write table and figure."""
    store, potential, compounds = Lines(output / "phonons.jsonl"), load_base(base), read_compounds(folder)
    digest, done = digest_of(HARMONIC.model_dump()), latest(store.read(), base)
    todo = [
        (name, k) for k in sorted(size, reverse=True) for name in compound or compounds if k <= len(compounds[name])
    ]
    with screen.progress("compounds") as track:
        for name, k in track([each for each in todo if done.get(each, {}).get("settings") != digest]):
            found = measure(compounds[name], potential, k, HARMONIC)
            store.add(json.dumps({"compound": name, "base": base, "k": k, "settings": digest, **found}))
    lines = sorted(latest(store.read(), base).values(), key=lambda line: (line["k"], line["compound"]))
    with atomic_path(output / "phonons.md") as temporary:
        temporary.write_text(table(lines, base), encoding="utf-8")
    figure(lines, output / "phonons.svg")
    print(summary(lines))


if __name__ == "__main__":
    typer.run(main)
