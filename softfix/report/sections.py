"""The sections of a page: each takes the numbers, and is empty where they are."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from softfix.doctor.finding import Finding
from softfix.report import figures
from softfix.report.numbers import Fact, Grouping, Numbers, Points
from softfix.report.quantity import Quantity, unit_of
from softfix.report.shown import Shown
from softfix.report.tables import drawn, grouped, legend, names_of, of_groups, table

FRAMES_NAMED = 12  # frames of a finding

MEASURES = (
    ("force MAE", "eV/Å", "force_mae"),
    ("over that of {first}", "", "force_ratio"),
    ("force RMSE", "eV/Å", "force_rmse"),
    ("largest force error", "eV/Å", "force_max"),
    ("force MAE after one scalar (cMAE)", "eV/Å", "force_cmae"),
    ("softening slope, through the origin", "", "slope"),
    ("softening slope, with an intercept", "", "slope_intercept"),
    ("energy MAE", "meV/atom", "energy_mae"),
    ("stress MAE", "GPa", "stress_mae"),
)


CONVENTIONS = (("slope", "Through the origin"), ("slope_intercept", "With an intercept"))


@dataclass(frozen=True)
class Section:
    """One part of the page."""

    name: str
    title: str
    body: str


def overview(numbers: Numbers, shown: Shown) -> str:
    """All measures of all potentials on the whole test set."""
    names, errors = names_of(numbers), numbers.whole.errors
    rows = []
    for title, unit, field in MEASURES:
        values = [getattr(each, field) for each in errors]
        if not any(values) or (field == "force_ratio" and len(names) == 1):
            continue
        name = escape(title.format(first=names[0])) + (f" <small>{unit_of(unit)}</small>" if unit else "")
        name = f'<span class="sub">{name}</span>' if field == "force_ratio" else name
        rows.append([name, *(shown(value) for value in values)])
        if any(value is not None and value.low is not None for value in values):
            rows.append(['<span class="sub">95 % interval</span>', *(shown.interval(value) for value in values)])
    head = ["", *map(escape, names)]
    note = (
        "Energies are compared after the composition offsets that suit all frames best. cMAE is what is left when the "
        "forces are multiplied by the one number that suits these very frames best, as Deng et al. "
        "(doi:10.1038/s41524-024-01500-6) correct a base. "
        "Intervals resample frames."
    )
    caption = f"All {numbers.test.frames.value:.0f} frames"
    return table(head, rows, caption) + f'<p class="note">{note}</p>'


def parities(numbers: Numbers, shown: Shown) -> str:
    """Forces, energies, stress against DFT."""
    hint = "Point at a point to see what it is, or step through them with the arrow keys, the largest error first."
    parts = [f'<p class="note screen">{hint}</p>']
    for key, points, kind in (
        ("forces", numbers.forces, "force"),
        ("energies", numbers.energies, "energy"),
        ("stresses", numbers.stresses, "stress"),
    ):
        if points is not None:
            words = {"force": "Forces, by component", "energy": "Energies, less what composition explains",
                     "stress": "Stress, by component"}[kind]  # fmt: skip
            parts.append(f"<h3>{words}</h3>{_drawn_of(points, shown)}")
            parts.append(drawn(figures.parity(key, points, kind), "points"))
    return "".join(parts) if len(parts) > 1 else ""


def _drawn_of(points: Points, shown: Shown) -> str:
    if points.drawn.value == points.all.value:
        return f'<p class="note">{shown(points.all)} points.</p>'
    return (
        f'<p class="note">{shown(points.drawn)} of {shown(points.all)} points: those with the largest errors, and '
        "others drawn at random.</p>"
    )


def force_errors(numbers: Numbers, shown: Shown) -> str:
    """Errors against forces, and the worst atoms."""
    if numbers.force_errors is None:
        return ""
    names = names_of(numbers)
    rows = [
        [escape(one.frame), escape(one.atom), shown(one.force), *(shown(error) for error in one.errors)]
        for one in numbers.worst
    ]
    head = ["frame", "atom", "DFT force <small>eV/Å</small>"]
    head += [f"error of {escape(name)} <small>eV/Å</small>" for name in names]
    worst = table(head, rows, f"The atoms with the largest force error of {names[-1]}", left=2)
    return (
        _drawn_of(numbers.force_errors, shown)
        + legend(names)
        + drawn(figures.error_against_force(numbers.force_errors), "points")
        + f"<details><summary>The largest errors</summary>{worst}</details>"
    )


def forests(numbers: Numbers, shown: Shown) -> str:
    """Softening slopes with intervals, in both conventions, by config_type and by material."""
    names = names_of(numbers)
    if all(errors.slope is None for errors in numbers.whole.errors):
        return ""
    whole = Grouping(by="frames", what="", groups=[numbers.whole])
    chosen = [grouping for grouping in numbers.groupings if grouping.by in ("config_type", "material")] or [whole]
    parts = [legend(names)]
    for grouping in chosen:
        by = f"By {grouping.by.replace('_', ' ')}"
        parts.append(f"<h3>{by}</h3>" if len(chosen) > 1 else "")
        if len(grouping.groups) > figures.GROUPS:
            parts.append('<p class="note">The groups with the most frames are drawn; the tables hold all.</p>')
        first = [] if grouping is whole else [numbers.whole]
        both = grouping.model_copy(update={"groups": [*first, *grouping.groups]})
        parts.append(drawn(figures.forest(both, names, field, title) for field, title in CONVENTIONS))
    return "".join(parts)


def learning(numbers: Numbers, shown: Shown) -> str:
    """Error on frames left out against the number of frames."""
    found = numbers.learning
    note = f"<p>{escape(numbers.learning_note)}</p>" if numbers.learning_note else ""
    if found is None:
        return note
    more = (
        f" With {shown(found.extrapolated_frames)} frames about {shown(found.extrapolated, unit=True)} is expected, if "
        "the error goes on as a power of their number."
        if found.extrapolated is not None
        else ""
    )
    said = (
        f"<p>{shown(found.frames)} frames were divided into parts, each left out in turn. On frames left out the "
        f"{escape(found.label.removesuffix('s'))} error (rms, large forces weighted down) of the base is "
        f"{shown(found.base, unit=True)}."
        f"{more}</p>"
    )
    return said + drawn([figures.learning(found)]) + note


def calibration(numbers: Numbers, shown: Shown) -> str:
    """Whether the error bars are as large as the errors."""
    bars = numbers.error_bars
    if bars is None:
        return ""
    rank = "" if bars.spearman is None else (
        f" The rank correlation of error and error bar over atoms is {shown(bars.spearman)}."
    )  # fmt: skip
    return (
        f"<p>Of {shown(bars.components)} force components {shown(bars.one_sigma)} lie within one standard deviation of "
        f"DFT and {shown(bars.two_sigma)} within two; of a normal distribution it would be 68 % and 95 %.{rank}</p>"
        + drawn(figures.calibration(bars))
    )


def terms(numbers: Numbers, shown: Shown) -> str:
    """What the correction is, as numbers and as energy curves."""
    found = numbers.terms
    if found is None:
        return ""
    domain = {
        "local": "It is local: it fades away from the surroundings of the fit.",
        "global": "It is global: whole inside the fence around the surroundings of the fit, nothing far outside.",
        "none": "The base did better on frames left out, so that there is none.",
    }.get(found.domain, found.domain)
    shared = f" {'; '.join(found.shared)} have them in common." if found.shared else ""
    rows = [
        [escape(part.name), shown(part.weights), shown(part.amplitude, unit=True), shown(part.force)]
        for part in found.parts
    ]
    head = ["term", "weights", "prior size of a weight", "force on the test frames (rms) <small>eV/Å</small>"]
    pairs = [figures.energy_curve(f"pair-{k}", curve) for k, curve in enumerate(found.pairs)]
    angles = [figures.energy_curve(f"angle-{k}", curve) for k, curve in enumerate(found.angles)]
    return "".join(
        [
            f"<p>{domain} The base's energy is multiplied by c = {shown(found.scale)} (95 % interval "
            f"{shown.interval(found.scale)}; 1 leaves it as it is), and functions of the neighbours within "
            f"{shown(found.cutoff, unit=True)} are added.{escape(shared)}</p>",
            table(head, rows, "Terms of the correction"),
            "<h3>Energy of two atoms alone</h3><p class=note>What the added functions give a pair of atoms, the fence "
            "taken away; the shade is one standard deviation. Frames of a crystal fix the sum of scale, pairs and "
            "angles far better than each alone, and say nothing below their shortest distance.</p>"
            f"{drawn(pairs)}" if pairs else "",
            "<h3>Energy of an angle</h3><p class=note>What they give three atoms beyond their three pairs, the two "
            f"outer ones at the usual distance from the middle one.</p>{drawn(angles)}" if angles else "",
        ]
    )  # fmt: skip


def reach(numbers: Numbers, shown: Shown) -> str:
    """Where the correction holds."""
    found = numbers.reach
    if found is None:
        return ""
    return (
        f"<p>Of the test atoms {shown(found.inside)} are inside the fence, where the correction is whole, "
        f"{shown(found.partly)} on it, {shown(found.outside)} outside, and {shown(found.unknown)} in structures with "
        "an element outside the fit; these are left to the base.</p>"
        + drawn([figures.reach(found)])
        + (grouped(found.groups, numbers, shown) if len(found.groups.groups) > 1 else "")
    )


def harm(numbers: Numbers, shown: Shown) -> str:
    """Checks that the correction does no harm."""
    if not numbers.checks:
        return ""
    rows = [
        [
            escape(check.name),
            '<span class="pass">passed</span>' if check.passed else '<span class="fail">failed</span>',
            escape(check.what) + "<br><small>" + "; ".join(_fact(fact, shown) for fact in check.values) + "</small>",
        ]
        for check in numbers.checks
    ]
    return (
        table(
            ["check", "outcome", "what was seen"], rows, "Checks far from the frames of the fit", left=3, classes="wide"
        )
        + legend(["base", "corrected"])
        + drawn(figures.check(check) for check in numbers.checks)
    )


def _fact(fact: Fact, shown: Shown) -> str:
    return f"{escape(fact.name)} {shown(fact.quantity, unit=True) if fact.quantity else escape(fact.text)}"


def properties(numbers: Numbers, shown: Shown) -> str:
    """What softfix properties measured."""
    parts = []
    for one in numbers.properties:
        units = [next((q.unit for q in (r.base, r.corrected, r.reference) if q is not None), "") for r in one.rows]
        rows = [
            [f"{escape(row.name)} <small>{escape(unit_of(unit))}</small>", *map(shown, _columns(row))]
            for row, unit in zip(one.rows, units, strict=True)
        ]
        parts.append(f"<h3>{escape(one.name)}</h3>" + "".join(f"<p>{escape(note)}</p>" for note in one.notes))
        parts.append(table(["", "base", "corrected", "reference"], rows, one.name) if rows else "")
        pictures = "".join(
            f'<figure><img alt="{escape(p.name)}" src="data:image/svg+xml;base64,{b64encode(p.svg.encode()).decode()}">'
            f"<figcaption>{escape(p.name)}</figcaption></figure>"
            for p in one.pictures
        )
        parts.append(f'<div class="figures">{pictures}</div>' if pictures else "")
    return "".join(parts)


def _columns(row) -> tuple[Quantity | None, ...]:
    return row.base, row.corrected, row.reference


def findings(numbers: Numbers, shown: Shown) -> str:
    """What the doctor found."""
    found = numbers.findings
    if found is None:
        return ""
    if not found.findings:
        return "<p>All checks of <code>softfix check</code> were run; nothing was found.</p>"
    rows = [
        [
            f'<span class="{one.sure}">{one.sure}</span>',
            f"{escape(one.what)} {escape(one.advice)}<br><small>{_numbers(one, shown)}</small>",
            f"<small>{escape(_frames(one))}</small>",
        ]
        for one in found.findings
    ]
    return table(["how sure", "what, and what to do", "frames"], rows, "What may be wrong with the frames", left=3,
                 classes="wide")  # fmt: skip


def _numbers(one: Finding, shown: Shown) -> str:
    return "; ".join(f"{escape(value.name.replace('_', ' '))} {shown(value, unit=True)}" for value in one.values)


def _frames(one: Finding) -> str:
    files: dict[str, list[str]] = {}
    for frame in one.frames:
        files.setdefault(frame.file.rpartition("/")[2], []).append(str(frame.number))
    return "; ".join(
        f"{name}: {', '.join(which[:FRAMES_NAMED])}" + (" and others" if len(which) > FRAMES_NAMED else "")
        for name, which in files.items()
    )


def provenance(numbers: Numbers, shown: Shown) -> str:
    """Where everything comes from."""
    test = numbers.test
    facts = [
        ("test files", escape(", ".join(test.files))),
        ("test frames, atoms", f"{shown(test.frames)}, {shown(test.atoms)}"),
        ("elements of the test frames", escape(" ".join(test.elements))),
        ("labels of the test frames", escape("; ".join(test.labels))),
        ("level of theory of the test frames", escape("; ".join(test.levels) or "not stated")),
        ("test data sha256", f"<code>{test.sha256}</code>"),
        ("page made", escape(f"{numbers.created} by softfix {numbers.softfix_version}")),
    ]
    parts = [_definitions(facts)]
    for potential in numbers.potentials:
        own = [(fact.name, shown(fact.quantity) if fact.quantity else _text(fact)) for fact in potential.facts]
        parts.append(f"<h3>{escape(potential.name)}</h3>{_definitions(own)}")
    return "".join(parts)


def _text(fact: Fact) -> str:
    return f"<code>{escape(fact.text)}</code>" if "sha256" in fact.name else escape(fact.text)


def _definitions(facts: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<div><dt>{escape(name)}</dt><dd>{text}</dd></div>" for name, text in facts) + "</dl>"


def sections(numbers: Numbers, shown: Shown) -> list[Section]:
    """All sections that have something to say, in the order of the page."""
    diagnosis = numbers.kind == "diagnosis"
    expected = "What softfix expects to gain" if diagnosis else "Learning curve and frames left out"
    every = [
        ("overview", "How soft" if diagnosis else "Before and after" if numbers.kind == "report" else "Side by side",
         overview(numbers, shown) + of_groups(numbers, shown, ("config_type",))),
        ("slopes", "Softening slope", forests(numbers, shown)),
        ("parity", "Parity with DFT", parities(numbers, shown)),
        ("errors", "Error against force", force_errors(numbers, shown)),
        ("groups", "By material, element and force", of_groups(numbers, shown, ("material", "element", "force"))),
        ("learning", expected, learning(numbers, shown)),
        ("error-bars", "Are the error bars right?", calibration(numbers, shown)),
        ("terms", "What the correction is", terms(numbers, shown)),
        ("domain", "Where it holds", reach(numbers, shown)),
        ("harm", "Does it do harm?", harm(numbers, shown)),
        ("properties", "Properties", properties(numbers, shown)),
        ("findings", "What the data doctor found", findings(numbers, shown)),
        ("provenance", "Provenance", provenance(numbers, shown)),
    ]  # fmt: skip
    return [Section(*each) for each in every if each[2]]
