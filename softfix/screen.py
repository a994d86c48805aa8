"""What the terminal shows: tables and progress bars."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from softfix.benchmark import Summary
    from softfix.correction import Correction
    from softfix.doctor import Diagnosis, Finding
    from softfix.label import Estimate
    from softfix.learn import Learned
    from softfix.measure import Report
    from softfix.properties.result import Result
    from softfix.report.numbers import Numbers
    from softfix.suggest import Suggestion

console = Console()
FRAMES_SHOWN = 8  # frames of a finding listed per file; the JSON has all
GROUPS_SHOWN = 12  # config types listed; the JSON has all

ROWS = (
    ("force MAE", "eV/Å", "force_mae_eV_A", "{:.4f}"),
    ("force RMSE", "eV/Å", "force_rmse_eV_A", "{:.4f}"),
    ("largest force error", "eV/Å", "max_force_error_eV_A", "{:.3f}"),
    ("softening slope", "", "softening_slope", "{:.3f}"),
    ("  95 % interval", "", "softening_slope_ci95", "{0[0]:.3f} to {0[1]:.3f}"),
    ("  with intercept", "", "softening_slope_intercept", "{:.3f}"),
    ("  95 % interval", "", "softening_slope_intercept_ci95", "{0[0]:.3f} to {0[1]:.3f}"),
    ("energy MAE", "meV/atom", "energy_mae_meV_atom", "{:.2f}"),
    ("stress MAE", "GPa", "stress_mae_GPa", "{:.3f}"),
)

NUMBERS = (
    ("force MAE", "eV/Å", "force_mae"),
    ("softening slope", "", "slope"),
    ("energy MAE", "meV/atom", "energy_mae"),
    ("stress MAE", "GPa", "stress_mae"),
)


@contextmanager
def progress(what: str) -> Iterator[Callable[[Iterable], Iterable]]:
    """Give a function that wraps what is gone through in a progress bar with the time left."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        yield lambda items: bar.track(items if hasattr(items, "__len__") else list(items))


def say(text: str) -> None:
    """Print a sentence."""
    console.print(text, highlight=False, soft_wrap=True)


def measures(report: Report, title: str) -> None:
    """Before and after, side by side; then force errors per config_type."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("base", justify="right")
    if report.corrected:
        table.add_column("corrected", justify="right")
        table.add_column("ratio", justify="right")
    for name, unit, field, form in ROWS:
        before = getattr(report.base, field)
        if before is None:
            continue
        cells = [f"{name} [dim]{unit}[/]", form.format(before)]
        if report.corrected:
            after = getattr(report.corrected, field)
            ratio = f"{after / before:.2f}" if unit and before else ""
            cells += [form.format(after), ratio]
        table.add_row(*cells)
    console.print(table)
    if len(report.config_type) > 1 and report.base.force_mae_eV_A is not None:
        _config_types(report)


def _config_types(report: Report) -> None:
    table = Table(title="force MAE in eV/Å by config_type", title_justify="left")
    table.add_column("config_type")
    table.add_column("frames", justify="right")
    table.add_column("base", justify="right")
    if report.corrected:
        table.add_column("corrected", justify="right")
    largest = sorted(report.config_type.items(), key=lambda item: -item[1].n_frames)
    for name, group in largest[:GROUPS_SHOWN]:
        cells = [name, str(group.n_frames), _number(group.base.force_mae_eV_A)]
        if group.corrected:
            cells.append(_number(group.corrected.force_mae_eV_A))
        table.add_row(*cells)
    console.print(table)
    if len(largest) > GROUPS_SHOWN:
        say(f"and {len(largest) - GROUPS_SHOWN} more (all are in the file of --json)")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def correction(value: Correction, path: Path) -> None:
    """Header of a correction file."""
    header = value.header()
    table = Table(title=str(path), title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", overflow="fold")
    theory = header.base.level_of_theory or "level of theory not stated"
    rows = {
        "base": f"{header.base.spec} ({header.base.package} {header.base.package_version}; {theory})",
        "weights sha256": header.base.weights_sha256[:16] + "…",
        "elements": " ".join(header.elements),
        "terms": ", ".join(header.fit.terms),
        "softening scale c": f"{1 + value.scale:.4f} (1 leaves the base as it is)",
        "weights": f"{value.weights.size} ({value.basis.pair_features} pair, {value.basis.three_features} three-body "
        f"and {value.basis.many_features} many-body features per atom)",
        "cutoff": f"{value.basis.cutoff:g} Å",
        "domain": header.fit.domain,
        "amplitudes, eV": ", ".join(f"{name} {size:.3g}" for name, size in header.fit.amplitude_eV.items()),
        "noise": ", ".join(f"{name} {size:.2g}" for name, size in header.fit.noise.items()),
        "fit": header.fit.status,
        "fitted on": f"{header.data.frames} frames, {header.data.atoms} atoms, from {', '.join(header.data.sources)}",
        "labels": "; ".join(header.data.labels_from),
        "level of theory": "; ".join(header.data.levels_of_theory) or "not stated",
        "data sha256": header.data.sha256[:16] + "…",
        "units": header.units,
        "made": f"{header.created} by softfix {header.softfix_version}",
        "licence": header.licence,
    }
    for name, text in rows.items():
        table.add_row(name, text)
    console.print(table)


def findings(found: Diagnosis) -> None:
    """What the doctor found, the surest first; one row per finding."""
    against = f" against {found.base}" if found.base else ", without a base"
    if not found.findings:
        say(f"{found.frames} frames, {len(found.checks)} checks{against}: nothing found.")
        return
    table = Table(title=f"{found.frames} frames, {len(found.checks)} checks{against}", title_justify="left")
    for name in ("sure", "check", "finding and what to do"):
        table.add_column(name, overflow="fold", no_wrap=name != "finding and what to do")
    for one in found.findings:
        numbers = "; ".join(f"{value.name} {_value(value.value)} {value.unit}".strip() for value in one.values)
        text = f"{escape(one.what)}\n[dim]{escape(_places(one))}\n{escape(numbers)}[/]\n{escape(one.advice)}"
        table.add_row(one.sure, one.check, text)
        table.add_section()
    console.print(table)


def numbers(found: Numbers) -> None:
    """Verdict of a page and the main measures of every potential."""
    from softfix.report.quantity import shown, unit_of

    say(found.verdict)
    table = Table(
        title=f"{len(found.potentials)} potentials, {found.test.frames.value:.0f} frames", title_justify="left"
    )
    table.add_column("")
    for potential in found.potentials:
        table.add_column(potential.name, justify="right", overflow="fold")
    for title, unit, field in NUMBERS:
        values = [getattr(errors, field) for errors in found.whole.errors]
        if any(values):
            cells = ["-" if value is None else shown(value.value, value.unit) for value in values]
            table.add_row(f"{title} [dim]{unit_of(unit)}[/]", *cells)
    console.print(table)


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _places(one: Finding) -> str:
    """Frame numbers per file, the first few of each."""
    files: dict[str, list[int]] = {}
    for frame in one.frames:
        files.setdefault(Path(frame.file).name, []).append(frame.number)
    return "; ".join(
        f"{name}: {', '.join(map(str, numbers[:FRAMES_SHOWN]))}"
        + (f" and {len(numbers) - FRAMES_SHOWN} more" if len(numbers) > FRAMES_SHOWN else "")
        for name, numbers in files.items()
    )


def suggestions(chosen: Sequence[Suggestion], pool: int) -> None:
    """Frames to label next, best first."""
    table = Table(title=f"{len(chosen)} of {pool} structures to label next, best first", title_justify="left")
    table.add_column("structure", overflow="fold")
    table.add_column("config_type", overflow="fold")
    for name in ("left of the pool, %", "force std before, eV/Å"):
        table.add_column(name, justify="right")
    for one in chosen:
        table.add_row(one.frame.source, one.frame.config_type, f"{100.0 * one.mismatch:.1f}", f"{one.force_std:.3f}")
    console.print(table)


def estimate(value: Estimate, level: str) -> None:
    """Frames to label and what they cost."""
    table = Table(title=level, title_justify="left")
    for name in ("formula", "frames", "atoms", "electrons", "k-points"):
        table.add_column(name, justify="left" if name == "formula" else "right")
    for group in value.groups:
        electrons = "-" if group.electrons is None else f"{group.electrons:g}"
        kpoints = "-" if group.kpoints is None else " x ".join(map(str, group.kpoints))
        table.add_row(group.formula, str(group.frames), str(group.atoms), electrons, kpoints)
    console.print(table)
    say(value.status)


def property_table(result: Result) -> None:
    """Quantities of a property, base, corrected and reference side by side."""
    roles = [
        role
        for role in ("base", "corrected", "reference")
        if any(getattr(row, role) is not None for row in result.rows)
    ]
    table = Table(title=f"{result.title}: {Path(result.provenance.structure).name}", title_justify="left")
    table.add_column("")
    for role in roles:
        table.add_column(role, justify="right")
    for row in result.rows:
        values = [getattr(row, role) for role in roles]
        table.add_row(f"{row.quantity} [dim]{row.unit}[/]", *("-" if v is None else f"{v:.4g}" for v in values))
    console.print(table)
    for note in result.notes:
        say(note)


def learned(value: Learned) -> None:
    """What was labelled, when and why, and how far off the potential was before."""
    table = Table(title="Labels: when, why, and what the potential had been off by", title_justify="left")
    for name in ("step", "why", "error bar, eV/Å", "limit", "force error (rms)", "s"):
        table.add_column(name, justify="left" if name == "why" else "right")
    for event in value.events:
        bar, limit = ("-" if number is None else f"{number:.3f}" for number in (event.uncertainty, event.threshold))
        error = escape(event.reason or "") if event.error is None else f"{event.error:.3f}"
        table.add_row(str(event.at), event.why, bar, limit, error, f"{event.wall_s:.1f}")
    console.print(table)
    say(value.status)


def bases() -> None:
    """Table of the families of bases."""
    from softfix.bases import families

    table = Table(title="Bases", title_justify="left")
    for name in ("name", "example", "package", "installed", "weights", "level of theory"):
        table.add_column(name, overflow="fold")
    for family in families.values():
        installed = family.installed or f"no: pip install 'softfix\\[{family.name}]'"
        table.add_row(family.name, family.example, family.distribution, installed, family.weights, family.theory)
    table.add_row("any ASE calculator", "ase.calculators.emt:EMT", "its own", "", "its own", "its own")
    console.print(table)


def benchmark(summary: Summary) -> None:
    """Ratios of each system, then what each method gives over all systems."""
    sizes = sorted({entry.k for entry in summary.entries})
    methods = list(dict.fromkeys(entry.method for entry in summary.entries))
    cells = {(entry.system, entry.method, entry.k): entry for entry in summary.entries}
    table = Table(title=f"force MAE over that of {summary.base}: mean (worst) of the draws", title_justify="left")
    for name in ("system", "base, eV/Å", "method"):
        table.add_column(name, justify="right" if "eV" in name else "left")
    for k in sizes:
        table.add_column(f"k = {k}", justify="right")
    for system, mae in summary.base_mae.items():
        for row, method in enumerate(methods):
            found = [cells.get((system, method, k)) for k in sizes]
            shown = ["" if entry is None else f"{entry.mean:.2f} ({entry.worst:.2f})" for entry in found]
            table.add_row(system if row == 0 else "", f"{mae:.4f}" if row == 0 else "", method, *shown)
        table.add_section()
    console.print(table)
    _columns(summary)


def _columns(summary: Summary) -> None:
    table = Table(title="over all systems: geometric mean of the ratios", title_justify="left")
    others = Table(title="errors of energies and stresses likewise: mean (worst draw)", title_justify="left")
    for name in ("method", "k", "mean", "worst", "/ finetune", "slopes", "CPU s"):
        table.add_column(name, justify="left" if name == "method" else "right", no_wrap=True)
    for name in ("method", "k", "energies", "stresses"):
        others.add_column(name, justify="left" if name == "method" else "right", no_wrap=True)
    for column in summary.columns:
        name, k = column.method, str(column.k)
        peer = "" if column.against_finetune is None else f"{column.against_finetune:.2f}"
        slopes = f"{column.slope_low:.2f}..{column.slope_high:.2f}"
        numbers = (f"{column.geometric_mean:.3f}", f"{column.worst:.2f}", peer, slopes, f"{column.cpu_s:.1f}")
        table.add_row(name, k, *numbers)
        both = (column.energies, column.stresses)
        others.add_row(name, k, *("" if e is None else f"{e.geometric_mean:.2f} ({e.worst:.2f})" for e in both))
    console.print(table)
    console.print(others)
