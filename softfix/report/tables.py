"""Tables, rows of figures and legends: what the sections of a page are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from softfix.report.figures import Figure
from softfix.report.numbers import Group, Grouping, Numbers
from softfix.report.quantity import unit_of
from softfix.report.shown import Shown

ROWS_OPEN = 12  # rows of a table shown without being asked for
OF_GROUPS = (
    ("force MAE", "eV/Å", "force_mae"),
    ("ratio", "", "force_ratio"),
    ("cMAE", "eV/Å", "force_cmae"),
    ("slope", "", "slope"),
    ("energy MAE", "meV/atom", "energy_mae"),
    ("stress MAE", "GPa", "stress_mae"),
)


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], caption: str, left: int = 1, classes: str = "", above: str = ""
) -> str:
    """A table in a box that scrolls sideways; the first `left` columns are words, `above` is a row over the head."""

    def cells(row: Sequence[str], header: bool) -> str:
        made = []
        for k, cell in enumerate(row):
            name = "th" if header or k == 0 else "td"
            scope = ' scope="col"' if header else ' scope="row"' if k == 0 else ""
            made.append(f"<{name}{scope}{'' if k < left else ' class=n'}>{cell}</{name}>")
        return f"<tr>{''.join(made)}</tr>"

    body = "".join(cells(row, False) for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}"><table class="{classes}">'
        f"<caption>{escape(caption)}</caption><thead>{above}{cells(head, True)}</thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def drawn(found: Iterable[Figure], classes: str = "") -> str:
    """Figures side by side where there is room."""
    made = "".join(
        f'<figure id="figure-{_identifier(f.name)}">{f.svg}<figcaption>{escape(f.caption)}</figcaption></figure>'
        for f in found
    )
    return f'<div class="figures {classes}">{made}</div>'


def _identifier(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name)


def legend(names: Sequence[str]) -> str:
    """Names of the potentials with their colours and signs."""
    return "".join(
        ['<ul class="legend">', *(f'<li class="s{k}">{escape(name)}</li>' for k, name in enumerate(names)), "</ul>"]
    )


def names_of(numbers: Numbers) -> list[str]:
    """Names of the potentials."""
    return [potential.name for potential in numbers.potentials]


def grouped(grouping: Grouping, numbers: Numbers, shown: Shown) -> str:
    """Errors group by group; a long table folds."""
    names = names_of(numbers)
    columns = [
        (title, unit, field)
        for title, unit, field in OF_GROUPS
        if any(getattr(e, field) is not None for g in grouping.groups for e in g.errors)
        and not (field == "force_ratio" and len(names) == 1)
        and not (field == "force_cmae" and len(names) > 1)
    ]
    above, head = _heads(grouping.by.replace("_", " "), columns, names)
    rows = [_row(group, columns, shown) for group in grouping.groups]
    caption = f"By {grouping.by.replace('_', ' ')}. {grouping.what}"
    whole = table(head, rows[:ROWS_OPEN], caption, above=above)
    if len(rows) <= ROWS_OPEN:
        return whole
    rest = table(head, rows[ROWS_OPEN:], f"{caption} The others.", above=above)
    return f"{whole}<details><summary>The other groups</summary>{rest}</details>"


def _heads(by: str, columns: Sequence[tuple[str, str, str]], names: Sequence[str]) -> tuple[str, list[str]]:
    """The row of measures, and below it the potentials of each; one potential needs but one row."""
    head, above = [escape(by), "frames", "atoms"], ["<td colspan=3></td>"]
    for title, unit, field in columns:
        measure = f"{title} <small>{unit_of(unit)}</small>" if unit else title
        which = names[1:] if field == "force_ratio" else names
        above.append(f'<th class=n scope="colgroup" colspan={len(which)}>{measure}</th>')
        head += [escape(name) for name in which] if len(names) > 1 else [measure]
        head += ["95 % interval"] if field == "slope" and len(names) == 1 else []
    return (f"<tr>{''.join(above)}</tr>" if len(names) > 1 else ""), head


def breakable(name: str) -> str:
    """A name that may be broken behind its separators."""
    return "<wbr>".join(escape(part) for part in re.split(r"(?<=[;:/_,-])", name))


def _row(group: Group, columns: Sequence[tuple[str, str, str]], shown: Shown) -> list[str]:
    row = [breakable(group.name), shown(group.frames), shown(group.atoms)]
    for _, _, field in columns:
        errors = group.errors[1:] if field == "force_ratio" else group.errors
        row += [shown(getattr(each, field)) for each in errors]
        row += [shown.interval(group.errors[0].slope)] if field == "slope" and len(group.errors) == 1 else []
    return row


def of_groups(numbers: Numbers, shown: Shown, which: Sequence[str]) -> str:
    """Tables of some groupings."""
    return "".join(grouped(grouping, numbers, shown) for grouping in numbers.groupings if grouping.by in which)
