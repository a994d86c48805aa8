"""The figures of a page, each from its numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from softfix.report.axis import Axis, spanning
from softfix.report.numbers import Check, Curve, Domain, ErrorBars, Grouping, Learning, Points
from softfix.report.plot import BOTTOM, RIGHT, TOP, WIDTH, Plot, medians, x_range, y_range
from softfix.report.quantity import Quantity, Series, unit_of

ROW, HEAD = 13, 22  # drawing units of a potential's line and of a group's name in a forest plot
GROUPS = 24  # groups in a forest plot
WEAKEST = 0.01  # eV/Å; smaller forces and errors, of perfect crystals, are drawn there on a logarithmic axis
FINEST = 1e-3  # eV/Å; smaller errors are drawn there against error bars


@dataclass(frozen=True)
class Figure:
    """One drawing, and what stands under it."""

    name: str
    caption: str
    svg: str


def _label(series: Series, name: str = "") -> str:
    unit = unit_of(series.unit)
    return f"{name or series.name}{', ' if unit else ''}{unit}"


def parity(key: str, points: Points, kind: str) -> list[Figure]:
    """Every potential against DFT, with the diagonal, on the same axes."""
    values = [*points.x.values, *(v for y in points.y for v in y.values)]
    x = spanning(values, *x_range(), label=_label(points.x, f"DFT {kind}"))
    figures = []
    for k, y in enumerate(points.y):
        plot = Plot(x, Axis(x.low, x.high, *y_range(), label=_label(y, f"{kind} of {y.name}")))
        plot.line([x.low, x.high], [x.low, x.high], "guide")
        plot.points(points.x.values, y.values, k, f"{key}.{k}")
        title = f"{kind.capitalize()}: {y.name} against DFT"
        figures.append(Figure(f"{key}-{k}", y.name, plot.svg(title, "The dashed line is perfect agreement.")))
    return figures


def error_against_force(points: Points) -> list[Figure]:
    """Size of the force error of every atom against its DFT force, both logarithmic, with running medians."""
    ys = [[max(v, WEAKEST) for v in y.values] for y in points.y]
    xs = [max(v, WEAKEST) for v in points.x.values]
    x = spanning(xs, *x_range(), label=_label(points.x, "DFT force on the atom"), log=True)
    y = spanning([v for values in ys for v in values], *y_range(), label="force error, eV/Å", log=True)
    figures = []
    for k, (series, values) in enumerate(zip(points.y, ys, strict=True)):
        plot = Plot(x, y)
        low, high = max(x.low, y.low), min(x.high, y.high)
        plot.line([low, high], [low, high], "guide")
        plot.points(xs, values, k, f"force_errors.{k}")
        for other, theirs in enumerate(ys):
            plot.line(*medians(points.x.values, theirs, WEAKEST), other)
        title = f"Force error of {series.name} against the DFT force"
        figures.append(Figure(f"force-errors-{k}", series.name, plot.svg(title, "Lines are medians; on the dashed line "
                       "the error is as large as the force.")))  # fmt: skip
    return figures


def forest(grouping: Grouping, names: Sequence[str], field: str, title: str) -> Figure:
    """Softening slopes with their 95 % intervals, one line per group and potential."""
    groups = [g for g in grouping.groups if any(getattr(e, field) is not None for e in g.errors)][:GROUPS]
    found = [[getattr(errors, field) for errors in group.errors] for group in groups]
    x = _slope_axis([q for row in found for q in row if q is not None])
    height = HEAD * len(groups) + ROW * len(groups) * len(names) + 70
    plot = Plot(x, Axis(0.0, 1.0, height - BOTTOM, TOP, ticked=False), height)
    plot.rule(x=1.0, kind="one")
    at = 14.0
    for group, row in zip(groups, found, strict=True):
        at += HEAD
        plot.text(x.start + 4, at - 5, group.name, "row")
        for k, value in enumerate(row):
            if value is not None and value.value is not None:
                plot.interval(value.value, value.low, value.high, at + ROW * (k + 0.3), k)
        at += ROW * len(names)
    return Figure(
        f"forest-{grouping.by}-{field}", title, plot.svg(title, "The line at 1 is DFT; left of it is too soft.")
    )


def _slope_axis(slopes: Sequence[Quantity]) -> Axis:
    """Around 1 and all slopes; intervals that are far wider run out of it."""
    values = [q.value for q in slopes if q.value is not None]
    ends = [v for q in slopes for v in (q.low, q.high) if v is not None]
    spread = max([abs(v - 1.0) for v in values] or [0.1])
    inside = [v for v in ends if abs(v - 1.0) < 2.5 * max(spread, 0.05)]
    return spanning([1.0, *values, *inside], 14, WIDTH - RIGHT, label="softening slope")


def learning(found: Learning) -> Figure:
    """Error on frames left out against the frames fitted."""
    sizes, errors = found.fitted.values, found.error.values
    further = found.extrapolated is not None and found.extrapolated_frames is not None
    more_x = [found.extrapolated_frames.value or 0.0] if found.extrapolated_frames else []
    more_y = [found.extrapolated.value or 0.0] if found.extrapolated else []
    base = found.base.value or 0.0
    x = Axis(0.0, 1.08 * max([*sizes, *more_x]), *x_range(), label="frames fitted")
    top = 1.12 * max([base, *errors, *more_y])
    y = Axis(
        0.0, top or 1.0, *y_range(), label=f"{found.label.removesuffix('s')} error (rms), {unit_of(found.base.unit)}"
    )
    plot = Plot(x, y)
    plot.rule(y=base, kind="line s0")
    plot.text(x.end - 4, y(base) - 6, "base", "note", "end")
    plot.line(sizes, errors, 1)
    plot.marks(sizes, errors, 1)
    if further:
        plot.line([sizes[-1], *more_x], [errors[-1], *more_y], "guide")
        plot.text(x(more_x[0]), y(more_y[0]) + 18, "expected", "note", "end")
    return Figure(
        "learning", "Error on frames left out", plot.svg("Learning curve", "Error on frames left out in turn.")
    )


def calibration(bars: ErrorBars) -> list[Figure]:
    """Share of errors inside error bars against a normal distribution; error bars against errors."""
    shares = Plot(
        Axis(0.0, 1.0, *x_range(), label="expected share (normal)"), Axis(0.0, 1.0, *y_range(), label="observed share")
    )
    shares.line([0.0, 1.0], [0.0, 1.0], "guide")
    shares.line(bars.normal.values, bars.observed.values, 1)
    errors = [max(value, FINEST) for value in bars.bin_error.values]
    values = [*bars.bin_bar.values, *errors]
    x = spanning(values, *x_range(), label="error bar, eV/Å", log=True)
    sizes = Plot(x, Axis(x.low, x.high, *y_range(), label="error (rms), eV/Å", log=True))
    sizes.line([x.low, x.high], [x.low, x.high], "guide")
    sizes.line(bars.bin_bar.values, errors, 1)
    sizes.marks(bars.bin_bar.values, errors, 1)
    return [
        Figure("shares", "Share of force components inside their error bars; above the dashed line bars are too wide",
               shares.svg("Share of errors within error bars", "Expected against observed.")),
        Figure("sizes", "Error against error bar, of equal numbers of components",
               sizes.svg("Error against error bar", "Both in eV/Å, logarithmic.")),
    ]  # fmt: skip


def energy_curve(key: str, curve: Curve) -> Figure:
    """Energy of a pair or an angle, with one standard deviation; a line where the test frames begin."""
    x = spanning(curve.x.values, *x_range(), label=_label(curve.x), room=0.0)
    std = curve.std.values if curve.std is not None else [0.0] * len(curve.y.values)
    low = [y - s for y, s in zip(curve.y.values, std, strict=True)]
    high = [y + s for y, s in zip(curve.y.values, std, strict=True)]
    y = spanning([0.0, *curve.y.values, *low, *high], *y_range(), label="energy, eV")
    plot = Plot(x, y)
    plot.rule(y=0.0)
    if curve.seen is not None and curve.seen.value is not None and x.low < curve.seen.value < x.high:
        plot.rule(x=curve.seen.value)
        plot.text(x(curve.seen.value) + 4, y.end + 12, "shortest in the test frames")
    plot.band(curve.x.values, low, high, 1)
    plot.line(curve.x.values, curve.y.values, 1)
    return Figure(key, curve.name, plot.svg(f"Correction energy, {curve.name}", f"Against the {curve.x.name}."))


def reach(domain: Domain) -> Figure:
    """Histogram of the gate over the test atoms."""
    edges = [0.0, *domain.openness.values]
    plot = Plot(
        Axis(0.0, 1.0, *x_range(), label="gate (0: base, 1: whole correction)"),
        Axis(0.0, 1.05 * max(domain.share.values), *y_range(), label="share of the test atoms"),
    )
    plot.bars(edges, domain.share.values, 1)
    return Figure("reach", "How open the gate is to the test atoms", plot.svg("Gate of the test atoms", "Histogram."))


def check(found: Check) -> Figure:
    """Curves of one check, base and corrected."""
    first = found.curves[0]
    x = spanning(
        [v for c in found.curves for v in c.x.values], *x_range(), label=_label(first.x, found.x_name), room=0.0
    )
    values = sorted(v for c in found.curves for v in c.y.values)
    lows = min(values)
    ceiling = max(values[int(0.8 * (len(values) - 1))], lows + 1.6 * (values[len(values) // 2] - lows))
    shown = [v for v in values if v <= ceiling]  # steep walls run out of the frame
    y = spanning(shown if found.x_name == "distance" else values, *y_range(), label=_label(first.y, found.y_name))
    plot = Plot(x, y)
    for k, curve in enumerate(found.curves):
        plot.line(curve.x.values, curve.y.values, k)
    return Figure(f"check-{found.name}", found.name, plot.svg(f"{found.name}: base and corrected", found.what))
