"""The command that measures properties of a material."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from softfix.cli.options import BaseSpec, read_structures
from softfix.cli.root import app
from softfix.errors import SoftfixError


@app.command()
def properties(
    name: Annotated[str, typer.Argument(help="phonons, eos, elasticity, surfaces, defects, ...: see the README.")],
    structure: Annotated[list[Path], typer.Option(help="Structure, or several where the property needs them; repeat.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder; results go into its subfolder NAME.")],
    base: BaseSpec = None,
    correction: Annotated[Path | None, typer.Option(help="Correction file.")] = None,
    reference: Annotated[Path | None, typer.Option(help="DFT reference, e.g. phonopy_params.yaml or JSON.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings of the property in TOML, JSON or YAML.")] = None,
    quick: Annotated[bool, typer.Option(help="Coarse settings, for trying out.")] = False,
    any_base: Annotated[bool, typer.Option(help="Accept another base than the correction was fitted to.")] = False,
) -> None:
    """Measure a property: base, corrected and DFT side by side; a run that was stopped goes on."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.correction import load_correction, require_base
    from softfix.properties import find_property
    from softfix.properties.run import Potentials, measure_property
    from softfix.settings import read_settings

    if correction is None and base is None:
        raise SoftfixError("Give --correction FILE, --base SPEC, or both.")
    settings = read_settings(config, find_property(name).settings) if config else None
    fitted = load_correction(correction) if correction else None
    potential = load_base(base or (fitted.base.spec if fitted else None))
    if fitted:
        require_base(fitted, potential.identity, any_base)
    potentials = Potentials(potential, fitted, correction)
    structures = read_structures(structure)
    with screen.progress("structures") as track:
        result = measure_property(name, structures, potentials, output, reference, settings, quick, track)
    screen.property_table(result)
    screen.say(f"Wrote {output / name}.")
