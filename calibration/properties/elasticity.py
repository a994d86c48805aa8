"""Bulk and shear moduli of a base against DFT, and the stiffness against shear that it lacks in all crystals alike.

    python calibration/properties/elasticity.py DATA_FOLDER --base chgnet

Every shear modulus is given a share of the bulk modulus more (`softfix.properties.stiffness`). The share has the least
absolute error of both moduli over one half of the crystals that are stable in the base, and is measured on the other
half, over random halves. Moduli are averages after Hill at the potential's own minimum.

Lines are added to elasticity.jsonl; what it holds is not measured again. The page goes to elasticity.md, the figure to
elasticity.svg, and the last line printed is what softfix/priors/stiffness.json holds of the base.
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
from softfix.properties.elasticity import ElasticitySettings
from softfix.properties.elasticity import measure as elasticity
from softfix.properties.potential import Potential
from softfix.properties.property import Problem
from softfix.properties.steps import Steps
from softfix.properties.stiffness import Lacking, hill, stiffened
from softfix.svg import drawing

HERE = Path(__file__).parent
MODULI = ("bulk", "shear")
DRAWS = 200
SHARES = np.arange(0.0, 1.0, 0.01)


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
    return {"dft": dft, "tensor": found.arrays["C"].round(4).tolist()}


def errors_of(dft: np.ndarray, C: np.ndarray) -> np.ndarray:
    """(shares, materials, 2) absolute errors of both moduli in GPa, for every share tried."""
    return np.abs([np.stack(hill(stiffened(C, share)), axis=1) - dft for share in SHARES])


def best_share(errors: np.ndarray) -> int:
    """Number of the share of the least error."""
    return int(errors.sum(axis=(1, 2)).argmin())


def halves(errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares, and errors (draws, 2 moduli, before and after) on materials that took no part in the share."""
    random, shares, left = np.random.default_rng(0), [], []
    for _ in range(DRAWS):
        order = random.permutation(errors.shape[1])
        train, test = order[: len(order) // 2], order[len(order) // 2 :]
        shares.append(best_share(errors[:, train]))
        left.append([errors[k, test].mean(axis=0) for k in (0, shares[-1])])
    return SHARES[shares], np.array(left).transpose(0, 2, 1)


PAGE = """# Elastic moduli of {base}

`python calibration/properties/elasticity.py DATA_FOLDER --base {base}`. {stable} of {total} binaries are stable in the
base, {unstable} are not{failed}. Of the stable ones:

| | DFT over base, median | MAE of the base, GPa | MAE stiffened, GPa | stiffened over base, worst of {draws} halves |
|---|---|---|---|---|
{rows}

Stiffened: every shear modulus is given {share:.2f} of the bulk modulus more ({low:.2f} to {high:.2f} over random
halves, each measured on the other half). Of the stable crystals {turned} turn unstable, of the {unstable} unstable ones
{left} stay so.

![Moduli of the base and stiffened, against DFT](elasticity.svg)
{unstable_list}{failed_list}"""


def page(lines: list[dict[str, Any]], base: str, weights_sha256: str) -> tuple[str, Lacking]:
    """What is said of a base, and what is shipped of it."""
    measured = measured_of(lines)
    dft, C = moduli(measured)
    stable = is_stable(C)
    errors = errors_of(dft[stable], C[stable])
    share = SHARES[best_share(errors)]
    shares, left = halves(errors)
    own = np.stack(hill(C[stable]), axis=1)
    rows = [
        f"| {name} modulus | {np.median(dft[stable, k] / own[:, k]):.3f} | {left[:, k, 0].mean():.1f} | "
        f"{left[:, k, 1].mean():.1f} | {(left[:, k, 1] / left[:, k, 0]).max():.2f} |"
        for k, name in enumerate(MODULI)
    ]
    after = is_stable(stiffened(C, share))
    failed = [f"- {line['formula']} ({line['mp_id']}): {line['failure']}" for line in lines if "failure" in line]
    names = [f"{line['formula']} ({line['mp_id']})" for line, is_so in zip(measured, stable, strict=True) if not is_so]
    text = PAGE.format(
        base=base, stable=stable.sum(), unstable=len(names), total=len(lines), rows="\n".join(rows), draws=DRAWS,
        failed=f", {len(failed)} were not measured" if failed else "", share=share, low=shares.min(), high=shares.max(),
        turned=(stable & ~after).sum(), left=(~stable & ~after).sum(),
        unstable_list="\nUnstable in the base: " + ", ".join(names) + ".\n" if names else "",
        failed_list="\nNot measured:\n\n" + "\n".join(failed) + "\n" if failed else "",
    )  # fmt: skip
    bulk, shear = left[:, :, 1].mean(axis=0).round(1)
    return text, Lacking(
        base=base, weights_sha256=weights_sha256, share=round(float(share), 2), materials=int(stable.sum()),
        bulk_error_GPa=bulk, shear_error_GPa=shear,
    )  # fmt: skip


def is_stable(C: np.ndarray) -> np.ndarray:
    """Whether no strain lowers the energy, by tensor."""
    return np.linalg.eigvalsh(C)[:, 0] > 0.0


def measured_of(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of materials that could be measured."""
    return [line for line in lines if "failure" not in line]


def moduli(measured: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """DFT's moduli (materials, 2) and tensors of the base (materials, 6, 6), in GPa."""
    dft = np.array([[line["dft"][name] for name in MODULI] for line in measured])
    return dft, np.array([line["tensor"] for line in measured])


def figure(lines: list[dict[str, Any]], share: float, path: Path) -> None:
    """Both moduli against DFT."""
    dft, C = moduli(measured_of(lines))
    dft, C = dft[is_stable(C)], C[is_stable(C)]
    with drawing(path, 8.0, 4.0) as drawn:
        for axis, name, own, more, x in zip(
            drawn.subplots(1, 2), MODULI, hill(C), hill(stiffened(C, share)), dft.T, strict=True
        ):
            axis.plot(x, own, "o", color="#d1570a", label="base", ms=4)
            axis.plot(x, more, ".", color="#1f6feb", label=f"{share:.2f} K more against shear", ms=5)
            top = 1.05 * max(x.max(), own.max(), more.max())
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
    text, found = page(lines, base, potential.base.identity.weights_sha256)
    with atomic_path(output / "elasticity.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    figure(lines, found.share, output / "elasticity.svg")
    print(text)
    print(found.model_dump_json())


if __name__ == "__main__":
    typer.run(main)
