"""What a page says first, in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from softfix.report.numbers import Check, Errors, Group, Grouping, Learning, Potential
from softfix.report.quantity import Quantity, shown, unit_of

Outcome = Literal["good", "mixed", "bad", "none"]
NAMED = 3  # kinds of frames that are named, at most
BETTER = 0.98  # ratio of force MAEs below which forces are called better, above whose inverse worse


def text_of(value: Quantity | None) -> str:
    """A quantity with its unit, as in a sentence."""
    return "–" if value is None else f"{shown(value.value, value.unit)} {unit_of(value.unit)}".strip()


def on_base(name: str, whole: Group, learning: Learning | None) -> str:
    """How soft a base is, what one scalar leaves, and what a fit is expected to bring."""
    (errors,) = whole.errors
    if errors.slope is None or errors.force_mae is None:
        return f"The frames hold no forces: nothing can be said of how soft {name} is."
    said = (
        f"{name} is {_softness(errors.slope)} on these {text_of(whole.frames)}: softening slope {_interval(errors)}, "
        f"force MAE {text_of(errors.force_mae)}; one scalar would leave {text_of(errors.force_cmae)}."
    )
    gain = None if learning is None else _gain(learning)
    return said if gain is None else f"{said} {gain}"


def _gain(learning: Learning) -> str | None:
    if not learning.error.values:
        return None
    last = Quantity(value=learning.error.values[-1], unit=learning.base.unit)
    return (
        f"Fitted to {text_of(learning.frames)} of them, softfix brings the "
        f"{learning.label.removesuffix('s')} error on frames left out "
        f"from {text_of(learning.base)} to {text_of(last)} (rms)."
    )


def _softness(slope: Quantity) -> str:
    if slope.high is not None and slope.high < 1.0:
        return "too soft"
    if slope.low is not None and slope.low > 1.0:
        return "too hard"
    return "neither clearly too soft nor too hard"


def _interval(errors: Errors) -> str:
    slope = errors.slope
    if slope is None:
        return "–"
    if slope.low is None or slope.high is None:
        return shown(slope.value)
    return f"{shown(slope.value)} (95 % interval {shown(slope.low)} to {shown(slope.high)})"


def on_correction(
    base: str, potentials: Sequence[Potential], whole: Group, groupings: Sequence[Grouping], checks: Sequence[Check],
    domain: str,
) -> tuple[str, Outcome]:  # fmt: skip
    """Whether the correction (second potential) helps the base (first), and by how much."""
    before, after = whole.errors[0], whole.errors[1]
    if domain == "none":
        return f"The fit found {base} better on frames left out, so that the correction leaves it as it is.", "none"
    ratio = None if after.force_ratio is None else after.force_ratio.value
    if ratio is None:
        return "The test frames hold no forces: nothing can be said of what the correction does to them.", "none"
    verb = "lowers" if ratio < BETTER else "raises" if ratio > 1 / BETTER else "hardly changes"
    said = (
        f"On {text_of(whole.frames)} the correction {verb} the force MAE of {base} from {text_of(before.force_mae)} to "
        f"{text_of(after.force_mae)} (ratio {shown(ratio)}) and takes the softening slope from {_interval(before)} to "
        f"{_interval(after)}."
    )
    parts = filter(None, (_worse(groupings), _tuned(potentials, whole), _failed(checks)))
    safe = all(check.passed for check in checks)
    outcome: Outcome = "bad" if ratio > 1 / BETTER else "good" if ratio < BETTER and safe else "mixed"
    return " ".join([said, *parts]), outcome


def _worse(groupings: Sequence[Grouping]) -> str | None:
    for grouping in groupings:
        if grouping.by == "config_type":
            known = [(g.name, g.errors[1].force_ratio) for g in grouping.groups if g.errors[1].force_ratio is not None]
            worse = [name for name, ratio in known if ratio is not None and (ratio.value or 0.0) > 1 / BETTER]
            named = f" ({', '.join(worse)})" if 0 < len(worse) <= NAMED else ""
            return f"Forces are worse in {len(worse) or 'none'} of {len(known)} kinds of frames{named}."
    return None


def _tuned(potentials: Sequence[Potential], whole: Group) -> str | None:
    for potential, errors in zip(potentials, whole.errors, strict=True):
        if potential.kind == "fine-tuned":
            return f"Fine-tuning all weights gives {text_of(errors.force_mae)}."
    return None


def _failed(checks: Sequence[Check]) -> str | None:
    if not checks:
        return None
    failed = [check.name for check in checks if not check.passed]
    if failed:
        return f"It fails {len(failed)} of {len(checks)} checks that it does no harm: {', '.join(failed)}."
    return f"It passes all {len(checks)} checks that it does no harm."


def on_many(potentials: Sequence[Potential], whole: Group) -> str:
    """Which of several potentials has the least force error."""
    known = [(p.name, e.force_mae) for p, e in zip(potentials, whole.errors, strict=True) if e.force_mae is not None]
    ranked = sorted(known, key=lambda pair: pair[1].value or 0.0)
    if not ranked:
        return "The test frames hold no forces: nothing can be said of which potential is nearest to them."
    (best, least), (worst, most) = ranked[0], ranked[-1]
    return (
        f"On {text_of(whole.frames)} {best} has the least force MAE, {text_of(least)}; {worst} has the largest, "
        f"{text_of(most)}."
    )
