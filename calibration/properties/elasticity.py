"""Bulk and shear moduli of a base against DFT, and what one scale calibrated on other materials does to them.

    python calibration/properties/elasticity.py DATA_FOLDER --base chgnet

A correction without frames of its own can scale the energy about that of free atoms, E = E_ref + c (E_base - E_ref):
minima stay where they are, and every elastic constant is multiplied by c, so that no stable crystal turns unstable.
c has the least absolute error of both moduli over one half of the materials, and is measured on the other half, over
random halves. Moduli are averages after Hill at the potential's own minimum.

Lines are added to elasticity.jsonl; what it holds is not measured again. The page goes to elasticity.md, the figure to
elasticity.svg.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from ase import Atoms

from softfix import screen
from softfix.bases import load_base
from softfix.data.labels import frame_of
from softfix.errors import SoftfixError
from softfix.files import atomic_path, cache_folder
from softfix.lines import Lines
from softfix.properties.elasticity import MEANS, ElasticitySettings
from softfix.properties.elasticity import measure as elasticity
from softfix.properties.potential import Potential
from softfix.properties.property import Problem
from softfix.properties.steps import Steps
from softfix.svg import drawing

HERE = Path(__file__).parent
MODULI = {"bulk": "bulk modulus (Hill)", "shear": "shear modulus (Hill)"}
STABILITY = MEANS[3]
DRAWS = 200


def read_materials(folder: Path) -> list[dict[str, Any]]:
    """Structures with their DFT moduli in GPa."""
    with gzip.open(folder / "elastic-binaries.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def measure(material: dict[str, Any], potential: Potential) -> dict[str, Any]:
    """Moduli of the base, or why there are none."""
    atoms = Atoms(material["symbols"], cell=material["cell"], scaled_positions=material["scaled_positions"], pbc=True)
    dft = {name: material[f"{name}_modulus_vrh_GPa"] for name in MODULI}
    try:
        found = elasticity(Problem([frame_of(atoms)], None, ElasticitySettings()), potential)
    except SoftfixError as error:
        return {"dft": dft, "failure": str(error)}
    values = {value.quantity: value.value for value in found.values}
    return {"dft": dft, "own": {name: values[key] for name, key in MODULI.items()}, "least": values[STABILITY]}


def halves(dft: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales, and errors (draws, 2 moduli, before and after) on materials that took no part in the scale."""
    random, scales, errors = np.random.default_rng(0), [], []
    for _ in range(DRAWS):
        order = random.permutation(len(dft))
        train, test = order[: len(dft) // 2], order[len(dft) // 2 :]
        scales.append(scale_of(dft[train], own[train]))
        errors.append([np.abs(c * own[test] - dft[test]).mean(axis=0) for c in (1.0, scales[-1])])
    return np.array(scales), np.array(errors).transpose(0, 2, 1)


def scale_of(dft: np.ndarray, own: np.ndarray) -> float:
    """The one number c with the least sum of |c own - dft| over both moduli: a median of ratios, weighted by own."""
    ratio, weight = (dft / own).ravel(), own.ravel()
    order = np.argsort(ratio)
    total = np.cumsum(weight[order])
    return float(ratio[order][np.searchsorted(total, 0.5 * total[-1])])


PAGE = """# Elastic moduli of {base}

`python calibration/properties/elasticity.py DATA_FOLDER --base {base}`. {stable} of {total} binaries are stable in the
base, {unstable} are not{failed}. Of the stable ones:

| | DFT over base, median | MAE of the base, GPa | MAE scaled, GPa | scaled over base, worst of {draws} halves |
|---|---|---|---|---|
{rows}

Scale: {scale:.3f} for all materials, {low:.3f} to {high:.3f} over random halves, each measured on the other half.
It turns no crystal unstable and none stable.

![Moduli of the base and scaled, against DFT](elasticity.svg)
{unstable_list}{failed_list}"""


def page(lines: list[dict[str, Any]], base: str) -> str:
    """What is said of a base."""
    stable = [line for line in lines if line.get("least", 0.0) > 0.0]
    dft, own = _moduli(stable)
    scales, errors = halves(dft, own)
    rows = [
        f"| {name} modulus | {np.median(dft[:, k] / own[:, k]):.3f} | {errors[:, k, 0].mean():.1f} | "
        f"{errors[:, k, 1].mean():.1f} | {(errors[:, k, 1] / errors[:, k, 0]).max():.2f} |"
        for k, name in enumerate(MODULI)
    ]
    failed = [f"- {line['formula']} ({line['mp_id']}): {line['failure']}" for line in lines if "failure" in line]
    names = [f"{line['formula']} ({line['mp_id']})" for line in lines if line.get("least", 1.0) <= 0.0]
    return PAGE.format(
        base=base, stable=len(stable), unstable=len(names), total=len(lines), rows="\n".join(rows), draws=DRAWS,
        failed=f", {len(failed)} were not measured" if failed else "", scale=scale_of(dft, own), low=scales.min(),
        high=scales.max(), unstable_list="\nUnstable in the base: " + ", ".join(names) + ".\n" if names else "",
        failed_list="\nNot measured:\n\n" + "\n".join(failed) + "\n" if failed else "",
    )  # fmt: skip


def _moduli(lines: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """(materials, 2) moduli of DFT and of the base."""
    dft, own = (np.array([[line[key][name] for name in MODULI] for line in lines]) for key in ("dft", "own"))
    return dft, own


def figure(lines: list[dict[str, Any]], path: Path) -> None:
    """Both moduli against DFT."""
    stable = [line for line in lines if line.get("least", 0.0) > 0.0]
    with drawing(path, 8.0, 4.0) as drawn:
        dft, own = _moduli(stable)
        c = scale_of(dft, own)
        for k, (axis, name) in enumerate(zip(drawn.subplots(1, 2), MODULI, strict=True)):
            axis.plot(dft[:, k], own[:, k], "o", color="#d1570a", label="base", ms=4)
            axis.plot(dft[:, k], c * own[:, k], ".", color="#1f6feb", label=f"scaled by {c:.2f}", ms=5)
            top = 1.05 * max(dft[:, k].max(), c * own[:, k].max())
            axis.plot([0.0, top], [0.0, top], color="black", lw=0.6)
            axis.set(xlabel=f"{name} modulus, DFT, GPa", ylabel="potential, GPa", xlim=(0, top), ylim=(0, top))
            axis.spines[["top", "right"]].set_visible(False)
            axis.legend(frameon=False)


def main(
    folder: Annotated[Path, typer.Argument(help="Reference data.")],
    base: str = "chgnet",
    most: Annotated[int | None, typer.Option(help="Only the first so many materials.")] = None,
    output: Path = HERE,
) -> None:
    """Measure what is missing, then write page and figure."""
    store, materials = Lines(output / "elasticity.jsonl"), read_materials(folder)[:most]
    potential = Potential(load_base(base), None, Steps(cache_folder() / "elasticity.jsonl"))
    done = {(line["mp_id"], line["base"]) for line in store.read()}
    with screen.progress("materials") as track:
        for material in track([each for each in materials if (each["mp_id"], base) not in done]):
            line = {"mp_id": material["mp_id"], "formula": material["formula"], "base": base}
            store.add(json.dumps(line | measure(material, potential)))
    lines = sorted((line for line in store.read() if line["base"] == base), key=lambda line: line["mp_id"])
    text = page(lines, base)
    with atomic_path(output / "elasticity.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    figure(lines, output / "elasticity.svg")
    print(text)


if __name__ == "__main__":
    typer.run(main)
