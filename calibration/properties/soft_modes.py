"""Zone-centre modes of cubic BaTiO3 and PbTiO3 against GPAW, after fits to frames without such displacements.

    python calibration/properties/soft_modes.py --base chgnet

Fitted: the training frames of `examples/BaTiO3` (20), and `../data/PbTiO3-minimalist` (8).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import softfix
from softfix.data import read_frames
from softfix.files import atomic_path
from softfix.properties.run import Potentials, measure_property

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
FITTED = {
    "BaTiO3": HERE.parents[1] / "examples" / "BaTiO3" / "train.extxyz",
    "PbTiO3": DATA / "PbTiO3-minimalist.extxyz",
}
QUANTITIES = ("softest frequency", "highest frequency", "frequency error (rms)")
PAGE = """# Soft modes

Zone-centre modes of the cubic phase in THz (imaginary ones negative); error: of all frequencies against GPAW, rms.
Made by `python calibration/properties/soft_modes.py --base {base}`.

| material | quantity | GPAW | base | corrected |
|---|---|---|---|---|
{rows}
"""

sys.path.insert(0, str(DATA))
from make import recipes  # noqa: E402  # needs the path


def main(
    base: Annotated[str, typer.Option()] = "chgnet",
    output: Annotated[Path, typer.Option(help="Folder of the page.")] = HERE,
    folder: Annotated[Path, typer.Option(help="Of the runs, which go on where they were stopped.")] = Path("out/modes"),
) -> None:
    """Fit, measure, write the page."""
    potential, rows = softfix.load_base(base), []
    for name, train in FITTED.items():
        parent = recipes()[f"{name}-phonon"].phases["cubic"].frame(name)
        potentials = Potentials(potential, softfix.fit(read_frames(train), potential).correction)
        result = measure_property("soft-modes", [parent], potentials, folder / name, DATA / f"{name}-phonon.extxyz")
        for quantity in QUANTITIES:
            row = result.row(quantity)
            dft = "" if row.reference is None else f"{row.reference:.2f}"
            rows.append(f"| {name} | {quantity} | {dft} | {row.base:.2f} | {row.corrected:.2f} |")
    with atomic_path(output / "soft-modes.md") as temporary:
        temporary.write_text(PAGE.format(base=base, rows="\n".join(rows)), encoding="utf-8")
    print("\n".join(rows))


if __name__ == "__main__":
    typer.run(main)
