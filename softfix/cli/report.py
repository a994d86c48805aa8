"""Commands that make pages of numbers: diagnose, report, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from softfix.cli.labels import Labels, reads_labels
from softfix.cli.options import Frames, Processes
from softfix.cli.root import app
from softfix.errors import SoftfixError

Html = Annotated[Path | None, typer.Option("-o", "--output", help="Page to write (.html), of one file.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write all numbers, with units, to this file.")]
Card = Annotated[Path | None, typer.Option(help="Write a short Markdown card to this file.")]
Test = Annotated[list[Path] | None, typer.Option(help="Labelled frames that were not fitted; repeat.")]
AnyBase = Annotated[bool, typer.Option(help="Accept another base than the correction was fitted to.")]


@app.command()
@reads_labels
def diagnose(
    data: Frames,
    base: Annotated[str, typer.Option("--base", help="The potential to judge, e.g. chgnet.")],
    output: Html = None,
    json_file: Json = None,
    card: Card = None,
    workers: Processes = 1,
    *,
    labels: Labels,
) -> None:
    """Tell how soft a base is on DFT frames, what a correction would bring, and what is wrong with the frames."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.report.build import diagnose as judge
    from softfix.workers import Workers

    frames = labels.read(data)
    with screen.progress("base") as track:
        numbers = judge(frames, load_base(base), labels.max_force, track, Workers(workers))
    _leave(numbers, output, json_file, card)
    if numbers.findings is not None:
        screen.findings(numbers.findings)


@app.command()
@reads_labels
def report(
    correction: Annotated[Path | None, typer.Argument(help="Correction file.")] = None,
    test: Test = None,
    properties: Annotated[Path | None, typer.Option(help="Folder that softfix properties wrote.")] = None,
    finetuned: Annotated[str | None, typer.Option(help="Spec of the fine-tuned base, to compare with.")] = None,
    output: Html = None,
    json_file: Json = None,
    card: Card = None,
    again: Annotated[Path | None, typer.Option("--from", help="JSON of an earlier run: no model is needed.")] = None,
    md_steps: Annotated[int, typer.Option(min=0, help="Length of the MD check in fs; 0 leaves it out.")] = 100,
    base: Annotated[str | None, typer.Option("--base", help="The base, where the file's cannot be rebuilt.")] = None,
    any_base: AnyBase = False,
    *,
    labels: Labels,
) -> None:
    """Make one page of all that a colleague or referee asks of a correction."""
    from softfix.report.numbers import read_numbers

    if again is not None:
        if correction is not None or test:
            raise SoftfixError("Give --from JSON, or CORRECTION --test DATA, not both.")
        _leave(read_numbers(again), output, json_file, card)
        return
    if correction is None or not test:
        raise SoftfixError("Give CORRECTION --test DATA, or --from JSON to make a page of earlier numbers.")
    from softfix import screen
    from softfix.bases import load_base
    from softfix.correction import load_correction, require_base
    from softfix.report.build import report as make
    from softfix.report.properties import read_properties

    fitted = load_correction(correction)
    potential = load_base(base or fitted.base.spec)
    require_base(fitted, potential.identity, any_base)
    found = read_properties(properties) if properties else []
    frames = labels.read(test)
    peer = load_base(finetuned) if finetuned else None
    with screen.progress("frames") as track:
        numbers = make(fitted, frames, potential, peer, found, md_steps, track)
    _leave(numbers, output, json_file, card)


@app.command()
@reads_labels
def compare(
    potentials: Annotated[list[str], typer.Argument(help="Correction files (.softfix) and bases, fine-tuned or not.")],
    test: Test = None,
    output: Html = None,
    json_file: Json = None,
    card: Card = None,
    *,
    labels: Labels,
) -> None:
    """Put corrections, bases and fine-tuned models side by side; the bases of the corrections join them."""
    from softfix import screen
    from softfix.report.build import compare as side_by_side
    from softfix.report.contenders import contenders

    if not test:
        raise SoftfixError("Give --test DATA: labelled frames to compare on.")
    found = contenders(potentials)
    frames = labels.read(test)
    with screen.progress("frames") as track:
        numbers = side_by_side(found, frames, track)
    _leave(numbers, output, json_file, card)


def _leave(numbers: Any, output: Path | None, json_file: Path | None, card: Path | None) -> None:
    """Write what was asked for, and say it in short."""
    from softfix import screen
    from softfix.report.files import write

    write(numbers, output, json_file, card)
    screen.numbers(numbers)
    written = [str(path) for path in (output, json_file, card) if path is not None]
    screen.say(f"Wrote {', '.join(written)}." if written else "Nothing is written without -o, --json or --card.")
