"""From numbers to one HTML page that needs nothing else: no file beside it, no network, no model."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from softfix.report.numbers import Numbers, dump
from softfix.report.sections import sections
from softfix.report.shown import Shown

LIMIT = 5_000_000  # bytes


def page(numbers: Numbers) -> str:
    """The page of some numbers: the same numbers give the same page, byte for byte."""
    shown = Shown(numbers)
    found = sections(numbers, shown)
    links = "".join(f'<li><a href="#{section.name}">{escape(section.title)}</a></li>' for section in found)
    body = "".join(
        f'<section id="{section.name}" aria-labelledby="{section.name}-title">'
        f'<h2 id="{section.name}-title">{escape(section.title)}</h2>{section.body}</section>'
        for section in found
    )
    head, test = escape(numbers.title), numbers.test
    held = dump(numbers).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{head} · softfix</title>
<style>
{_resource("page.css")}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the numbers</a>
<header>
<p class="kind">softfix {escape(numbers.kind)}</p>
<h1>{head}</h1>
<p class="verdict {numbers.outcome}">{escape(numbers.verdict)}</p>
<p class="note">{escape(", ".join(test.files))}: {shown(test.frames)} frames, {shown(test.atoms)} atoms, \
{escape(" ".join(test.elements))}</p>
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main id="main">
{body}
</main>
<footer>
<p><button type="button" id="save" hidden>Save the numbers as JSON</button>
Every number of this page stands in its JSON, with its unit.</p>
</footer>
<div id="tip" role="status" aria-live="polite" hidden></div>
<script type="application/json" id="numbers">{held}</script>
<script>
{_resource("page.js")}</script>
</body>
</html>
"""


def _resource(name: str) -> str:
    return files("softfix.report").joinpath(name).read_text(encoding="utf-8")
