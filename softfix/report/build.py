"""From frames and potentials to the numbers of a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import softfix
from softfix.correct import corrected
from softfix.correction import Correction, HeldOut
from softfix.data.frames import Frame, data_digest
from softfix.doctor import examine
from softfix.errors import SoftfixError
from softfix.evaluations import Evaluation, evaluate_base
from softfix.report import verdict
from softfix.report.domain import domain
from softfix.report.errorbars import error_bars
from softfix.report.groups import groupings, whole
from softfix.report.harm import checks
from softfix.report.numbers import Fact, FrameSet, Learning, Numbers, Potential, Property
from softfix.report.points import energy_points, force_points, source_of, stress_points
from softfix.report.quantity import quantity, series
from softfix.report.terms import neighbour_pairs, terms

if TYPE_CHECKING:
    from softfix.bases.protocol import Base, Identity
    from softfix.report.contenders import Contender
    from softfix.workers import Workers

Track = Callable[[Iterable], Iterable]
MOST_FITTED = 20  # frames of the fit that tells what softfix expects to gain
FOLDS = 5  # parts from which on a fit tells the error with half of the frames


def diagnose(
    frames: Sequence[Frame], base: Base, max_force: float = np.inf, track: Track = iter, workers: Workers | None = None
) -> Numbers:
    """How soft a base is on frames, what a correction would bring, and what is wrong with the frames.

    Args:
        frames: labelled structures.
        base: potential to judge.
        max_force: largest believable force in eV/Å.
        track: wraps the frames while the base evaluates them, e.g. in a progress bar.
        workers: who evaluates the base; this process by default.

    Raises:
        SoftfixError: if the base does not know an element.
    """
    evaluations = evaluate_base(base, frames, track=track, workers=workers)
    potentials = [_potential(base.identity.spec, "base", base.identity)]
    learning, note = _expected(frames, base)
    errors = whole(frames, [evaluations])
    return Numbers(
        **_common("diagnosis", f"How soft is {base.identity.spec}?", frames, potentials, [evaluations]),
        whole=errors,
        groupings=groupings(frames, [evaluations]),
        verdict=verdict.on_base(base.identity.spec, errors, learning),
        outcome="none",
        learning=learning,
        learning_note=note,
        findings=examine(frames, base, max_force=max_force),
        provenance=_facts(base.identity),
    )


def report(
    correction: Correction, frames: Sequence[Frame], base: Base, finetuned: Base | None = None,
    properties: Sequence[Property] = (), md_steps: int = 100, track: Track = iter,
) -> Numbers:  # fmt: skip
    """Everything about one correction, measured on frames that it was not fitted to.

    Args:
        correction: see `softfix.fit`.
        frames: labelled structures.
        base: the one that was fitted.
        finetuned: the base with all weights trained on the same frames.
        properties: see `read_properties`.
        md_steps: length of the MD runs in fs; 0 leaves them out.
        track: wraps what is gone through, e.g. in a progress bar.

    Raises:
        SoftfixError: if a potential does not know an element.
    """
    evaluations = evaluate_base(base, frames, track=track)
    after = corrected(correction, frames, base, track=track)
    predictions = [evaluations, after]
    potentials = [
        _potential("base", "base", base.identity),
        Potential(name="corrected", kind="corrected", facts=_facts_of(correction)),
    ]
    if finetuned is not None:
        predictions.append(evaluate_base(finetuned, frames, track=track))
        potentials.append(_potential("fine-tuned", "fine-tuned", finetuned.identity))
    errors, parts = whole(frames, predictions), groupings(frames, predictions)
    pairs = neighbour_pairs(frames, correction.elements)
    made = checks(correction, base, frames, pairs, md_steps) if correction.fit.domain != "none" else []
    said, outcome = verdict.on_correction(base.identity.spec, potentials, errors, parts, made, correction.fit.domain)
    return Numbers(
        **_common("report", f"A correction of {base.identity.spec}", frames, potentials, predictions),
        whole=errors,
        groupings=parts,
        verdict=said,
        outcome=outcome,
        learning=_learning(correction.fit.held_out, correction.data.frames, correction.fit.status),
        learning_note=correction.fit.status,
        error_bars=error_bars(correction, frames, evaluations, after, track),
        terms=terms(correction, frames, evaluations, after, pairs, track),
        reach=domain(correction, frames, predictions, track),
        checks=made,
        properties=list(properties),
        provenance=_facts_of(correction),
    )


def compare(contenders: Sequence[Contender], frames: Sequence[Frame], track: Track = iter) -> Numbers:
    """Several potentials side by side; ratios are over the first.

    Args:
        contenders: see `softfix.report.contenders`.
        frames: labelled structures.
        track: wraps what is gone through, e.g. in a progress bar.

    Raises:
        SoftfixError: if a potential does not know an element.
    """
    potentials, predictions = [], []
    for one in contenders:
        evaluations = evaluate_base(one.base, frames, track=track)
        if one.correction is None:
            predictions.append(evaluations)
            potentials.append(_potential(one.name, "base", one.base.identity))
        else:
            predictions.append(corrected(one.correction, frames, one.base, track=track))
            potentials.append(Potential(name=one.name, kind="corrected", facts=_facts_of(one.correction)))
    errors = whole(frames, predictions)
    return Numbers(
        **_common("comparison", f"{len(potentials)} potentials side by side", frames, potentials, predictions),
        whole=errors,
        groupings=groupings(frames, predictions),
        verdict=verdict.on_many(potentials, errors),
        outcome="none",
    )


def _common(
    kind: str, title: str, frames: Sequence[Frame], potentials: list[Potential],
    predictions: Sequence[Sequence[Evaluation]],
) -> dict[str, Any]:  # fmt: skip
    """What every page has."""
    names = [potential.name for potential in potentials]
    forces, errors, worst = force_points(frames, predictions, names)
    elements = sorted({int(z) for frame in frames for z in frame.numbers})
    return {
        "softfix_version": softfix.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": kind,
        "title": title,
        "test": FrameSet(
            files=sorted({source_of(frame).partition(", frame")[0] for frame in frames}),
            frames=quantity(len(frames), "frames"),
            atoms=quantity(sum(map(len, frames)), "atoms"),
            elements=_symbols(elements),
            labels=sorted({frame.labels_from for frame in frames}),
            levels=sorted({frame.level for frame in frames if frame.level}),
            sha256=data_digest(frames),
        ),
        "potentials": potentials,
        "forces": forces,
        "force_errors": errors,
        "worst": worst,
        "energies": energy_points(frames, predictions, names),
        "stresses": stress_points(frames, predictions, names),
    }


def _symbols(numbers: Iterable[int]) -> list[str]:
    from ase.data import chemical_symbols

    return [chemical_symbols[z] for z in numbers]


def _potential(name: str, kind: Any, identity: Identity) -> Potential:
    return Potential(name=name, kind=kind, facts=_facts(identity))


def _facts(identity: Identity) -> list[Fact]:
    return [
        Fact(name="base", text=identity.spec),
        Fact(name="package", text=f"{identity.package} {identity.package_version}".strip()),
        Fact(name="weights sha256", text=identity.weights_sha256 or "no weights"),
        Fact(name="level of theory of the base", text=identity.level_of_theory or "not stated"),
    ]


def _facts_of(correction: Correction) -> list[Fact]:
    header = correction.header()
    return [
        *_facts(header.base),
        Fact(name="elements", text=" ".join(header.elements)),
        Fact(name="fitted frames", quantity=quantity(header.data.frames, "frames")),
        Fact(name="fitted atoms", quantity=quantity(header.data.atoms, "atoms")),
        Fact(name="fitted files", text=", ".join(Path(source).name for source in header.data.sources)),
        Fact(name="labels", text="; ".join(header.data.labels_from)),
        Fact(name="level of theory of the frames", text="; ".join(header.data.levels_of_theory) or "not stated"),
        Fact(name="data sha256", text=header.data.sha256),
        Fact(name="fitted by", text=f"softfix {header.softfix_version}, {header.created}"),
        Fact(name="units", text=header.units),
        Fact(name="licence", text=header.licence),
    ]


def _learning(held: HeldOut | None, frames: int, status: str) -> Learning | None:
    """Errors on frames left out, as the fit stored them: of half the folds, and of all but one."""
    if held is None:
        return None
    folds = min(FOLDS, frames)
    fitted, error = [frames * (folds - 1) / folds], [held.corrected]
    if held.half is not None:
        fitted, error = [frames * ((folds - 1) // 2) / folds, *fitted], [held.half, *error]
    doubled = held.doubled
    return Learning(
        status=status,
        label=held.label,
        frames=quantity(frames, "frames"),
        base=quantity(held.base, held.unit),
        fitted=series("frames fitted", "frames", fitted),
        error=series("error on frames left out", held.unit, error),
        extrapolated=None if doubled is None else quantity(doubled, held.unit),
        extrapolated_frames=None if doubled is None else quantity(2 * fitted[-1], "frames"),
    )


def _expected(frames: Sequence[Frame], base: Base) -> tuple[Learning | None, str]:
    """What a fit to some of the frames brings on those left out, and how it was found."""
    from softfix.fitting import fit

    family = _family([frame for frame in frames if frame.forces is not None])
    if len(family) < 2:
        return None, "Fewer than two frames of one chemical system have forces: what a fit would bring is not known."
    chosen = [family[i] for i in np.unique(np.linspace(0, len(family) - 1, min(MOST_FITTED, len(family))).astype(int))]
    symbols = " ".join(_symbols(sorted({int(z) for frame in chosen for z in frame.numbers})))
    try:
        result = fit(chosen, base)
    except SoftfixError as error:
        return None, f"What a fit would bring is not known: {error}"
    note = f"A trial fit to {len(chosen)} of these frames ({symbols}). {result.status}"
    return _learning(result.correction.fit.held_out, len(chosen), note), note


def _family(frames: Sequence[Frame]) -> list[Frame]:
    """Frames of the elements that most frames are made of: one correction is of one chemical system."""
    sets = [frozenset(frame.numbers.tolist()) for frame in frames]
    inside = {system: sum(other <= system for other in sets) for system in Counter(sets)}
    if not inside:
        return []
    best = max(inside, key=lambda system: (inside[system], -len(system), sorted(system)))
    return [frame for frame, elements in zip(frames, sets, strict=True) if elements <= best]
