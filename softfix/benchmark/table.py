"""From measured cells to a table: ratios to the base, means over draws, geometric means over systems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from softfix.benchmark.cells import Result
from softfix.measure import Measures

LEAST = 1e-6  # share of the base's error that counts as none


@dataclass(frozen=True)
class Entry:
    """A method at one size on one system: over the draws."""

    system: str
    method: str
    k: int
    draws: int
    mean: float  # force MAE over that of the base
    worst: float
    slope: float  # mean softening slope
    energy_mae_meV_atom: float | None  # of energy differences, mean
    stress_mae_GPa: float | None
    wall_s: float  # median
    cpu_s: float


@dataclass(frozen=True)
class Errors:
    """Errors of one kind of label over those of the base."""

    geometric_mean: float  # of the systems' mean errors
    worst: float  # (system, draw)
    worst_system: str


@dataclass(frozen=True)
class Column:
    """A method at one size: over the systems."""

    method: str
    k: int
    systems: int
    geometric_mean: float  # of the systems' mean ratios
    worst: float  # (system, draw)
    worst_system: str
    against_finetune: float | None  # geometric mean of the ratio to full fine-tuning on the same draws
    slope_low: float  # smallest and largest mean slope of a system
    slope_high: float
    cpu_s: float  # median
    energies: Errors | None  # of energy differences; None where no system has both
    stresses: Errors | None


@dataclass(frozen=True)
class Summary:
    """Everything that a page or a screen shows of one base."""

    base: str
    base_mae: dict[str, float]  # system -> eV/Å
    entries: list[Entry]
    columns: list[Column]


def summary(results: Iterable[Result], spec: str) -> Summary:
    """Summary of all results of one base, by its spec; the base's own cell of each system must be among them."""
    mine = [result for result in results if result.base == spec]
    base = {r.system: r.measures for r in mine if r.method == "base"}
    base_mae = {system: float(measures.force_mae_eV_A or np.nan) for system, measures in base.items()}
    groups: dict[tuple[str, str, int], list[Result]] = defaultdict(list)
    for result in mine:
        if result.method != "base" and result.system in base_mae:
            groups[result.system, result.method, result.k].append(result)
    entries = [
        _entry(system, method, k, group, base_mae[system]) for (system, method, k), group in sorted(groups.items())
    ]
    sizes = sorted({(entry.method, entry.k) for entry in entries})
    columns = [_column(method, k, groups, base, entries) for method, k in sizes]
    return Summary(spec, base_mae, entries, columns)


def ratio(result: Result, base_mae: float) -> float:
    """Force MAE over that of the base."""
    return float(result.measures.force_mae_eV_A or np.nan) / base_mae


def _entry(system: str, method: str, k: int, group: list[Result], base_mae: float) -> Entry:
    ratios = [ratio(result, base_mae) for result in group]
    return Entry(
        system, method, k, len(group), float(np.mean(ratios)), max(ratios),
        float(np.mean([result.measures.softening_slope for result in group])),
        _mean([result.measures.energy_mae_meV_atom for result in group]),
        _mean([result.measures.stress_mae_GPa for result in group]),
        float(np.median([result.wall_s for result in group])),
        float(np.median([result.cpu_s for result in group])),
    )  # fmt: skip


def _column(method: str, k: int, groups: dict, base: dict[str, Measures], entries: list[Entry]) -> Column:
    mine = [entry for entry in entries if (entry.method, entry.k) == (method, k)]
    worst = max(mine, key=lambda entry: entry.worst)
    return Column(
        method, k, len(mine), geometric_mean([entry.mean for entry in mine]), worst.worst, worst.system,
        _against_finetune(method, k, groups, base),
        min(entry.slope for entry in mine), max(entry.slope for entry in mine),
        float(np.median([entry.cpu_s for entry in mine])),
        *(_errors(method, k, groups, base, label) for label in ("energy_mae_meV_atom", "stress_mae_GPa")),
    )  # fmt: skip


def _errors(method: str, k: int, groups: dict, base: dict[str, Measures], label: str) -> Errors | None:
    """Over the systems where both have an error."""
    ratios = {}
    for system, its in base.items():
        mine = [getattr(result.measures, label) for result in groups.get((system, method, k), [])]
        known = [value / getattr(its, label) for value in mine if value is not None and getattr(its, label)]
        if known:
            ratios[system] = known
    if not ratios:
        return None
    worst = max(ratios, key=lambda system: max(ratios[system]))
    means = [max(float(np.mean(known)), LEAST) for known in ratios.values()]
    return Errors(geometric_mean(means), max(ratios[worst]), worst)


def _against_finetune(method: str, k: int, groups: dict, systems: Iterable[str]) -> float | None:
    """Over the draws that both have, so that a table in the making compares like with like."""
    found = []
    for system in systems:
        mine = {r.seed: r.measures.force_mae_eV_A for r in groups.get((system, method, k), [])}
        peer = {r.seed: r.measures.force_mae_eV_A for r in groups.get((system, "finetune", k), [])}
        common = sorted(set(mine) & set(peer))
        if common:
            found.append(np.mean([mine[s] for s in common]) / np.mean([peer[s] for s in common]))
    return geometric_mean(found) if found else None


def geometric_mean(values: list[float]) -> float:
    """Geometric mean.

    >>> round(geometric_mean([0.25, 1.0]), 12)
    0.5
    """
    return float(np.exp(np.mean(np.log(values))))


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
