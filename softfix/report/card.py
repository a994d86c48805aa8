"""A short Markdown card of the numbers, for a repository."""

from __future__ import annotations

from softfix.report.numbers import Numbers
from softfix.report.quantity import Quantity, shown, unit_of
from softfix.report.verdict import text_of

ROWS = (
    ("force MAE", "eV/Å", "force_mae"),
    ("force RMSE", "eV/Å", "force_rmse"),
    ("softening slope", "", "slope"),
    ("energy MAE", "meV/atom", "energy_mae"),
    ("stress MAE", "GPa", "stress_mae"),
)


def card(numbers: Numbers) -> str:
    """Verdict, table, checks and provenance as Markdown."""
    test = numbers.test
    parts = [f"# {numbers.title}", numbers.verdict, _table(numbers)]
    if numbers.checks:
        parts.append("\n".join(f"- {'passed' if c.passed else '**failed**'}: {c.name}" for c in numbers.checks))
    parts.append(
        f"Measured on {', '.join(test.files)}: {text_of(test.frames)}, {text_of(test.atoms)} "
        f"({' '.join(test.elements)}), sha256 `{test.sha256[:16]}`."
    )
    if numbers.provenance:
        parts.append("\n".join(f"- {fact.name}: {_fact(fact.text, fact.quantity)}" for fact in numbers.provenance))
    parts.append(f"Made {numbers.created} by softfix {numbers.softfix_version}.")
    return "\n\n".join(parts) + "\n"


def _table(numbers: Numbers) -> str:
    names = [potential.name for potential in numbers.potentials]
    lines = ["| | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    for title, unit, field in ROWS:
        values = [getattr(errors, field) for errors in numbers.whole.errors]
        if any(values):
            cells = [_cell(value) for value in values]
            lines.append(f"| {title}{', ' if unit else ''}{unit_of(unit)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: Quantity | None) -> str:
    if value is None:
        return "–"
    interval = "" if value.low is None else f" ({shown(value.low)} to {shown(value.high)})"
    return shown(value.value, value.unit) + interval


def _fact(text: str, value: Quantity | None) -> str:
    return text if value is None else shown(value.value, value.unit)
