"""The command line: read, one call, write."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from softfix.errors import SoftfixError

app = typer.Typer(
    help="Correct the systematic softening of universal interatomic potentials from a few DFT frames.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Frames = Annotated[list[Path], typer.Argument(help="Labelled frames: extended XYZ (.gz), vasprun.xml, phonopy, ...")]
BaseSpec = Annotated[
    str | None, typer.Option("--base", help="chgnet, matgl:<folder>, mace:<file>, package.module:factory.")
]
EnergyKey = Annotated[str | None, typer.Option(help="Key of the energy (eV).")]
ForcesKey = Annotated[str | None, typer.Option(help="Key of the forces (eV/Å).")]
StressKey = Annotated[str | None, typer.Option(help="Key of the stress (eV/Å^3, tension positive).")]
VirialsKey = Annotated[str | None, typer.Option(help="Key of the virials (eV, minus dE/dstrain).")]
MaxForce = Annotated[float, typer.Option(help="Largest believable force in eV/Å.")]


@app.command()
def fit(
    train: Frames,
    base: Annotated[str, typer.Option("--base", help="The potential to correct, e.g. chgnet.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Correction file to write (.softfix).")],
    config: Annotated[Path | None, typer.Option(help="Settings in TOML, JSON or YAML.")] = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virials_key: VirialsKey = None,
    max_force: MaxForce = 50.0,
) -> None:
    """Fit a correction of a base potential to DFT frames and write it to one file."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.correct import corrected
    from softfix.fit import fit as fit_correction
    from softfix.fit import undetermined
    from softfix.measure import report
    from softfix.settings import FitSettings, read_settings

    settings = read_settings(config) if config else FitSettings()
    potential = load_base(base)
    frames = _read(train, energy_key, forces_key, stress_key, virials_key, max_force)
    with screen.progress("base") as track:
        result = fit_correction(frames, potential, settings, track=track)
    result.correction.save(output)
    screen.measures(
        report(frames, result.evaluations, corrected(result.correction, frames, potential)),
        f"On the {len(frames)} training frames (held-out frames tell more: softfix evaluate)",
    )
    screen.say(" ".join(filter(None, (result.status, undetermined(frames), f"Wrote {output}."))))


@app.command()
def evaluate(
    test: Frames,
    correction: Annotated[Path | None, typer.Option(help="Correction file.")] = None,
    base: BaseSpec = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all numbers to this file.")] = None,
    any_base: Annotated[bool, typer.Option(help="Accept another base than the correction was fitted to.")] = False,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virials_key: VirialsKey = None,
    max_force: MaxForce = 50.0,
) -> None:
    """Measure a base, and its correction, against DFT frames."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.correct import corrected
    from softfix.correction import load_correction, require_base
    from softfix.evaluations import evaluate_base
    from softfix.measure import report

    if correction is None and base is None:
        raise SoftfixError("Give --correction FILE, --base SPEC, or both.")
    fitted = load_correction(correction) if correction else None
    potential = load_base(base or (fitted.base.spec if fitted else None))
    if fitted:
        require_base(fitted, potential.identity, any_base)
    frames = _read(test, energy_key, forces_key, stress_key, virials_key, max_force)
    with screen.progress("base") as track:
        evaluations = evaluate_base(potential, frames, track=track)
    measures = report(frames, evaluations, corrected(fitted, frames, potential) if fitted else None)
    if json_file:
        _write_json(json_file, measures)
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
    """Choose the frames of a pool whose DFT forces would tell most, each given those before it."""
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
def label(
    structures: Annotated[list[Path], typer.Argument(help="Structures to label; labels that they have are dropped.")],
    calculator: Annotated[str, typer.Option(help="gpaw, espresso, vasp, or package.module:factory.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Labelled frames (.extxyz); made anew in every run.")],
    config: Annotated[Path | None, typer.Option(help="Settings of the calculator in YAML, TOML or JSON.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes of one thread each; jobs with --slurm.")] = 1,
    scheduler: Annotated[str | None, typer.Option(help="Address of a dask scheduler.")] = None,
    slurm: Annotated[bool, typer.Option(help="SLURM jobs as ~/.config/dask/jobqueue.yaml describes them.")] = False,
    retry: Annotated[bool, typer.Option(help="Compute frames again that failed before.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would be done and how long it takes; write nothing.")] = False,
) -> None:
    """Label structures by DFT; a run that was stopped goes on where it was."""
    from softfix import screen
    from softfix.label import Workers, estimate, label_frames, load_protocol

    protocol, who = load_protocol(calculator, config), Workers(workers, scheduler, slurm)
    frames = _structures(structures)
    if dry_run:
        screen.estimate(estimate(frames, protocol, output, workers, retry), protocol.level)
        return
    with screen.progress("frames") as track:
        summary = label_frames(frames, protocol, output, who, retry, track)
    screen.say(" ".join([*summary.notes, summary.status]))
    if summary.failure:
        raise SoftfixError(summary.failure)


@app.command()
def collect(
    jobs: Annotated[Path, typer.Argument(help="Folder with a folder of input and output files per frame.")],
    inputs: Annotated[list[Path] | None, typer.Option(help="Write inputs for these structures; repeat.")] = None,
    calculator: Annotated[str, typer.Option(help="vasp or espresso, with --inputs.")] = "vasp",
    config: Annotated[Path | None, typer.Option(help="Settings of the calculator, with --inputs.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Labelled frames to write (.extxyz).")] = None,
) -> None:
    """Write VASP or Quantum ESPRESSO inputs to be run elsewhere; collect the results that came back."""
    from softfix import screen
    from softfix.label import collect as collect_results
    from softfix.label import load_protocol, write_inputs

    if bool(inputs) == bool(output):
        raise SoftfixError("Give --inputs FRAMES to write inputs, or -o FILE to collect results.")
    if inputs:
        made = write_inputs(_structures(inputs), load_protocol(calculator, config), jobs)
        screen.say(f"Wrote inputs into {made} new folders in {jobs}; once they are run: softfix collect {jobs} -o FILE")
    if output:
        screen.say(collect_results(jobs, output).status)


@app.command()
def finetune(
    train: Frames,
    base: Annotated[str, typer.Option("--base", help="chgnet, matgl:<folder> or mace:<file>.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the trained potential.")],
    validation: Annotated[Path | None, typer.Option(help="Frames to choose the best epoch by.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings in TOML, JSON or YAML.")] = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virials_key: VirialsKey = None,
    max_force: MaxForce = 50.0,
) -> None:
    """Train all weights of a base on DFT frames: the peer of a correction, and a base itself."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.finetune import FinetuneSettings
    from softfix.finetune import finetune as train_all
    from softfix.settings import read_settings

    settings = read_settings(config, FinetuneSettings) if config else FinetuneSettings()
    keys = (energy_key, forces_key, stress_key, virials_key, max_force)
    frames, held = _read(train, *keys), _read([validation], *keys) if validation else []
    with screen.progress("updates") as track:
        result = train_all(frames, load_base(base), output, settings, held, track=track)
    screen.say(f"{result.status} Evaluate it with: softfix evaluate TEST --base {result.spec}")


benchmarks = typer.Typer(help="Measure methods side by side on your own frames.", no_args_is_help=True)
app.add_typer(benchmarks, name="benchmark")


@benchmarks.command("few-shot")
def few_shot(
    folder: Annotated[Path, typer.Argument(help="Folder of NAME-train.extxyz and NAME-test.extxyz (.gz) pairs.")],
    base: Annotated[list[str], typer.Option("--base", help="Potentials to correct; repeat it for several.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File of results; read first and added to.")],
    size: Annotated[list[int] | None, typer.Option("-k", "--size", help="Training frames; repeat.")] = None,
    draws: Annotated[int, typer.Option(min=1, help="Random draws of training frames.")] = 5,
    method: Annotated[list[str] | None, typer.Option(help="base, scalar, softfix, finetune; repeat.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only these; repeat.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one thread each.")] = 1,
    again: Annotated[list[str] | None, typer.Option(help="Methods to measure anew; repeat.")] = None,
) -> None:
    """Force error over that of the base for 1, 2, 5, 10, 20 training frames, over random draws."""
    from softfix import screen
    from softfix.benchmark import Plan, find_systems, run, summary

    plan = Plan(base, method or ["base", "scalar", "softfix"], size or [1, 2, 5, 10, 20], draws)
    with screen.progress("cells") as track:
        store = run(find_systems(folder, system), plan, output, workers, again or (), track)
    for spec in base:
        screen.benchmark(summary(store.results.values(), spec))


@app.command()
def check(
    data: Frames,
    base: BaseSpec = None,
    test: Annotated[Path | None, typer.Option(help="Test frames: are they among the others?")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all findings to this file.")] = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virials_key: VirialsKey = None,
    max_force: MaxForce = 50.0,
) -> None:
    """Look for what is wrong with DFT frames; exit status 1 if a finding is certain, else 0."""
    from softfix import screen
    from softfix.bases import load_base
    from softfix.data.read import read_unchecked
    from softfix.doctor import examine

    keys = _keys(energy_key, forces_key, stress_key, virials_key)
    held = read_unchecked(test, keys) if test else []
    with screen.progress("base") as track:
        found = examine(read_unchecked(data, keys), load_base(base) if base else None, held, max_force, track)
    if json_file:
        _write_json(json_file, found)
    screen.findings(found)
    if found.certain:
        raise typer.Exit(1)


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


def _keys(energy: str | None, forces: str | None, stress: str | None, virials: str | None) -> Any:
    from softfix.data import LabelKeys

    return LabelKeys(energy=energy, forces=forces, stress=stress, virials=virials)


def _read(paths: list[Path], energy: str | None, forces: str | None, stress: str | None, virials: str | None,
          max_force: float) -> Any:  # fmt: skip
    from softfix.data import read_frames

    return read_frames(paths, _keys(energy, forces, stress, virials), max_force)


def _write_json(path: Path, numbers: Any) -> None:
    """All numbers of a model of measures or findings, in one file."""
    from softfix.files import atomic_path

    with atomic_path(path) as temporary:
        temporary.write_text(numbers.model_dump_json(indent=2), encoding="utf-8")


def _structures(paths: list[Path]) -> Any:
    """Frames whose labels, if any, do not matter."""
    from softfix.data import LabelKeys, read_frames

    return read_frames(paths, LabelKeys(required=False), float("inf"))


def _keep_compiled() -> None:
    """Let JAX keep what it compiles from one command to the next, where the user has not said otherwise."""
    from softfix.evaluations import cache_folder

    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache_folder() / "compiled"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")


def main() -> None:
    """Run the command line; a user's mistake is one sentence and exit status 1."""
    warnings.showwarning = _show_warning
    _keep_compiled()
    try:
        app()
    except SoftfixError as error:
        print(f"softfix: {error}", file=sys.stderr)
        sys.exit(1)


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    """Our own warnings in a line; those of foreign packages, which a user cannot act on, not at all."""
    if category.__module__.startswith("softfix"):
        print(f"softfix: note: {message}", file=sys.stderr)


if __name__ == "__main__":
    main()
