"""Commands that fit, measure and show corrections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from softfix.cli.labels import Labels, reads_labels
from softfix.cli.options import BaseSpec, Frames, Processes, write_json
from softfix.cli.root import app
from softfix.errors import SoftfixError


@app.command()
@reads_labels
def fit(
    train: Frames,
    base: Annotated[str, typer.Option("--base", help="The potential to correct, e.g. chgnet.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Correction file to write (.softfix).")],
    config: Annotated[Path | None, typer.Option(help="Settings in TOML, JSON or YAML.")] = None,
    workers: Processes = 1,
    *,
    labels: Labels,
) -> None:
    """Fit a correction of a base potential to DFT frames and write it to one file."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.correct import corrected
    from softfix.fitting import fit as fit_correction
    from softfix.fitting import undetermined
    from softfix.measure import report
    from softfix.settings import FitSettings, read_settings
    from softfix.workers import Workers

    settings = read_settings(config) if config else FitSettings()
    potential = load_base(base)
    frames = labels.read(train)
    with screen.progress("base") as track:
        result = fit_correction(frames, potential, settings, track=track, workers=Workers(workers))
    result.correction.save(output)
    screen.measures(
        report(frames, result.evaluations, corrected(result.correction, frames, potential)),
        f"On the {len(frames)} training frames (held-out frames tell more: softfix evaluate)",
    )
    screen.say(" ".join(filter(None, (result.status, undetermined(frames), f"Wrote {output}."))))


@app.command()
@reads_labels
def evaluate(
    test: Frames,
    correction: Annotated[Path | None, typer.Option(help="Correction file.")] = None,
    base: BaseSpec = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all numbers to this file.")] = None,
    any_base: Annotated[bool, typer.Option(help="Accept another base than the correction was fitted to.")] = False,
    workers: Processes = 1,
    *,
    labels: Labels,
) -> None:
    """Measure a base, and its correction, against DFT frames."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.correct import corrected
    from softfix.correction import load_correction, require_base
    from softfix.evaluations import evaluate_base
    from softfix.measure import report
    from softfix.workers import Workers

    if correction is None and base is None:
        raise SoftfixError("Give --correction FILE, --base SPEC, or both.")
    fitted = load_correction(correction) if correction else None
    potential = load_base(base or (fitted.base.spec if fitted else None))
    if fitted:
        require_base(fitted, potential.identity, any_base)
    frames = labels.read(test)
    with screen.progress("base") as track:
        evaluations = evaluate_base(potential, frames, track=track, workers=Workers(workers))
    measures = report(frames, evaluations, corrected(fitted, frames, potential) if fitted else None)
    if json_file:
        write_json(json_file, measures)
    screen.measures(measures, f"{len(frames)} frames against DFT, base {potential.identity.spec}")


@app.command()
def suggest(
    pool: Annotated[list[Path], typer.Argument(help="Structures to choose from; labels are not needed.")],
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many frames to label next.")],
    correction: Annotated[Path | None, typer.Option(help="Correction file: what is known already.")] = None,
    base: BaseSpec = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write them, best first (.extxyz).")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings of the fit to come, without --correction.")] = None,
) -> None:
    """Choose the frames that stand for a pool or, given a correction, tell most beyond it."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.correction import load_correction
    from softfix.data import read_frames, write_frames
    from softfix.data.keys import LabelKeys
    from softfix.evaluations import check_elements
    from softfix.settings import read_settings
    from softfix.suggest import suggest as choose

    if (correction is None) == (base is None):
        raise SoftfixError("Give --correction FILE (what is known already) or --base SPEC (nothing is known yet).")
    frames = read_frames(pool, LabelKeys(required=False))
    if base is not None:
        check_elements(load_base(base), frames)
    known = load_correction(correction) if correction else None
    with screen.progress("structures") as track:
        chosen = choose(frames, number, known, read_settings(config) if config else None, track)
    screen.suggestions(chosen, len(frames))
    if output:
        write_frames(output, [suggestion.frame for suggestion in chosen])
        screen.say(f"Wrote {output}.")


@app.command()
def show(correction: Annotated[Path, typer.Argument(help="Correction file.")]) -> None:
    """Show what a correction file holds: base, data, terms, noise."""
    from softfix import screen
    from softfix.correction import load_correction

    screen.correction(load_correction(correction), correction)


@app.command()
def bases() -> None:
    """List the potentials that can be corrected."""
    from softfix import screen

    screen.bases()
