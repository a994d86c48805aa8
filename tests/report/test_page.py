"""The page: well formed, alone, and nothing on it that is not in the JSON."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from softfix.report.card import card
from softfix.report.numbers import Numbers, Picture, Property, PropertyRow, dump
from softfix.report.page import LIMIT, page
from softfix.report.quantity import quantity, shown
from softfix.report.shown import Shown

VOID = {"meta", "img", "br", "wbr", "hr", "link", "input"}
PROSE = {"95", "68", "1", "10.1038", "41524-024-01500-6"}  # what the sentences of every page say


class Reader(HTMLParser):
    """Checks that every element is closed by its own name, and keeps what a test asks for."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.data, self.words, self.tags = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "data":
            self.data.append([attributes["data-path"], attributes["value"], ""])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "data" in self.open:
            self.data[-1][2] += data
        elif not {"svg", "script", "style"} & set(self.open):
            self.words.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


def at(tree, path):
    for key in path.split("."):
        tree = tree[int(key)] if isinstance(tree, list) else tree[key]
    return tree


def strings(tree):
    if isinstance(tree, str):
        yield tree
    for entry in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from strings(entry)


@pytest.fixture
def numbers(toy):
    drawing = '<svg viewBox="0 0 4 3"><path d="M0 0L4 3"/></svg>'
    row = PropertyRow(
        name="bulk modulus", base=quantity(120.5, "GPa"), corrected=quantity(138.2, "GPa"), reference=None
    )
    one = Property(name="Equation of state", notes=["A note."], rows=[row], pictures=[Picture(name="eos", svg=drawing)])
    return toy.numbers.model_copy(update={"properties": [one]})


def test_the_page_is_well_formed_and_needs_nothing_else(numbers):
    text = page(numbers)
    reader = read(text)
    assert len(reader.ids) == len(set(reader.ids))
    assert not re.search(r"https?:|//[\w.]+\.\w+|@import|url\(", text)
    for tag, attributes in reader.tags:
        source = attributes.get("src", "") if tag != "script" else attributes.get("src", "data:")
        assert not source or source.startswith("data:")
        assert not attributes.get("href", "#").replace("#", "", 1).startswith(("http", "//", "/"))
    assert len(text.encode()) < LIMIT


def test_every_number_of_the_page_is_in_the_json(numbers):
    reader, tree = read(page(numbers)), json.loads(dump(numbers))
    assert len(reader.data) > 100
    for path, value, text in reader.data:
        node, _, part = path.rpartition(".")
        assert at(tree, path) == float(value)
        assert text == shown(float(value), at(tree, node)["unit"]), (path, part)
    known = " ".join(strings(tree))
    for word in re.findall(r"\d[\d.]*\d|\d", " ".join(reader.words).replace("doi:10.1038/s41524-024-01500-6", "")):
        assert word in PROSE or word in known or float(word) == tree["test"]["frames"]["value"], word


def test_the_page_carries_the_json(numbers):
    (held,) = re.findall(r'<script type="application/json" id="numbers">(.*?)</script>', page(numbers), re.DOTALL)
    assert Numbers.model_validate_json(held) == numbers


def test_the_json_alone_gives_the_same_page_to_the_byte(numbers):
    assert page(Numbers.model_validate_json(dump(numbers))) == page(numbers)


def test_a_number_from_elsewhere_cannot_be_shown(numbers):
    with pytest.raises(KeyError):
        Shown(numbers)(quantity(1.0, "eV"))


def test_those_who_cannot_see_or_point_are_told_too(numbers):
    reader = read(page(numbers))
    headings = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(headings))
    drawings = [attributes for tag, attributes in reader.tags if tag == "svg" and "role" in attributes]
    assert len(drawings) > 12
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in drawings)
    assert all(attributes.get("alt") for tag, attributes in reader.tags if tag == "img")
    assert dict(next(a.items() for t, a in reader.tags if t == "html"))["lang"] == "en"
    scopes = [attributes.get("scope") for tag, attributes in reader.tags if tag == "th"]
    assert all(scope in ("col", "row", "colgroup") for scope in scopes)


def test_words_of_frames_cannot_become_markup(numbers):
    nasty = numbers.model_copy(update={"verdict": "<script>alert(1)</script> & more", "title": "<b>x"})
    text = page(nasty)
    read(text)
    assert "<script>alert" not in text
    assert "<b>x" not in text


def test_every_section_that_a_referee_asks_for_is_there(numbers):
    names = set(read(page(numbers)).ids)
    assert names >= {"overview", "slopes", "parity", "errors", "groups", "learning", "error-bars", "terms", "domain",
                     "harm", "properties", "provenance"}  # fmt: skip


def test_elements_that_share_functions_are_named(numbers):
    assert "in common" not in page(numbers)
    shared = numbers.terms.model_copy(update={"shared": ["Nb and Ta", "Mo and W"]})
    text = page(numbers.model_copy(update={"terms": shared}))
    assert "are added. Nb and Ta; Mo and W have them in common." in " ".join(text.split())


def test_the_card_tells_verdict_numbers_and_origin(numbers):
    text = card(numbers)
    after = numbers.whole.errors[1]
    assert numbers.verdict in text
    assert shown(after.force_mae.value, "eV/Å") in text
    assert numbers.test.sha256[:16] in text
    assert "licence" in text
    assert len(text) < 4000
