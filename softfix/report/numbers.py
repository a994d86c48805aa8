"""All that a page says, as a tree of numbers with units: what is not here is not on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from softfix.doctor.finding import Diagnosis
from softfix.errors import SoftfixError, first_fault
from softfix.report.quantity import Quantity, Series

FORMAT: Literal["softfix numbers"] = "softfix numbers"
SCHEMA = 1


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(_Node):
    """Where something comes from: a name, and a text or a number."""

    name: str
    text: str = ""
    quantity: Quantity | None = None


class FrameSet(_Node):
    """The labelled frames that everything is measured on."""

    files: list[str]
    frames: Quantity
    atoms: Quantity
    elements: list[str]
    labels: list[str]  # keys that they were read from
    levels: list[str]  # levels of theory, as the files state them
    sha256: str  # of geometries and labels


class Potential(_Node):
    """One potential of the page."""

    name: str
    kind: Literal["base", "corrected", "fine-tuned"]
    facts: list[Fact]


class Errors(_Node):
    """How one potential does on one group of frames or atoms; None where the frames lack the label."""

    force_mae: Quantity | None
    force_ratio: Quantity | None  # MAE over that of the first potential
    force_rmse: Quantity | None
    force_max: Quantity | None  # of a component
    force_cmae: Quantity | None  # MAE left after multiplying by the one scalar that suits this very group best
    slope: Quantity | None  # softening scale: predicted against DFT, through the origin
    slope_intercept: Quantity | None  # the same of a line with an intercept
    energy_mae: Quantity | None  # after the composition offsets that suit the whole test set best
    stress_mae: Quantity | None


class Group(_Node):
    """Errors of every potential on the same frames or atoms."""

    name: str
    frames: Quantity
    atoms: Quantity
    errors: list[Errors]  # as the potentials stand


class Grouping(_Node):
    """The test set divided by one property."""

    by: str
    what: str  # one sentence
    groups: list[Group]


class Points(_Node):
    """What a figure draws a point for: DFT, and every potential's value at the same place."""

    names: list[str]  # of frames
    frame: list[int]  # index of each point's frame among the names
    part: list[str]  # atom or component of each point
    x: Series
    y: list[Series]  # as the potentials stand
    drawn: Quantity
    all: Quantity


class Worst(_Node):
    """One of the atoms with the largest errors."""

    frame: str
    atom: str
    force: Quantity  # |F| of DFT
    errors: list[Quantity]  # |F - F_DFT|, as the potentials stand


class Learning(_Node):
    """Error on frames left out against the number of frames fitted."""

    status: str  # what the fit said
    label: str
    frames: Quantity
    base: Quantity
    fitted: Series  # frames in each fit
    error: Series
    extrapolated: Quantity | None  # error at twice as many frames
    extrapolated_frames: Quantity | None


class ErrorBars(_Node):
    """Error bars of force components against errors."""

    components: Quantity
    one_sigma: Quantity
    two_sigma: Quantity
    spearman: Quantity | None
    normal: Series  # share within z standard deviations of a normal distribution
    observed: Series  # share of errors within the same
    bin_bar: Series  # rms error bar of equal numbers of components
    bin_error: Series  # rms error of the same


class Part(_Node):
    """One term of the correction: how large it may be, and what it does to the test frames."""

    name: str
    weights: Quantity
    amplitude: Quantity | None  # prior standard deviation of a weight, chosen by the evidence
    force: Quantity | None  # rms of its forces on the test frames


class Curve(_Node):
    """Values over one variable, with a standard deviation where there is one."""

    name: str
    x: Series
    y: Series
    std: Series | None = None
    seen: Quantity | None = None  # shortest such distance in the test frames


class Terms(_Node):
    """What the correction is."""

    domain: str
    scale: Quantity  # c
    chosen: list[str]
    shared: list[str] = []  # elements that have their functions in common
    parts: list[Part]
    pairs: list[Curve]
    angles: list[Curve]
    cutoff: Quantity


class Domain(_Node):
    """Which test atoms the correction reaches."""

    inside: Quantity
    partly: Quantity
    outside: Quantity
    unknown: Quantity  # in structures with an element outside the fit
    openness: Series  # upper edges of the bins of the gate
    share: Series
    groups: Grouping


class Check(_Node):
    """One check that the correction does no harm."""

    name: str
    passed: bool
    what: str  # one sentence
    values: list[Fact]
    x_name: str
    y_name: str
    curves: list[Curve]


class PropertyRow(_Node):
    """One property of a material by each potential."""

    name: str
    base: Quantity | None
    corrected: Quantity | None
    reference: Quantity | None


class Picture(_Node):
    """A figure that came with a property, as SVG text."""

    name: str
    svg: str


class Property(_Node):
    """What a folder of `softfix properties` holds."""

    name: str
    notes: list[str]
    rows: list[PropertyRow]
    pictures: list[Picture]


class Numbers(_Node):
    """Everything on one page."""

    format: Literal["softfix numbers"] = FORMAT
    schema_version: int = SCHEMA
    softfix_version: str
    created: str
    kind: Literal["diagnosis", "report", "comparison"]
    title: str
    verdict: str
    outcome: Literal["good", "mixed", "bad", "none"]  # does the correction help? none: there is nothing to judge
    test: FrameSet
    potentials: list[Potential]
    whole: Group
    groupings: list[Grouping]
    forces: Points | None = None
    force_errors: Points | None = None
    energies: Points | None = None
    stresses: Points | None = None
    worst: list[Worst] = []
    learning: Learning | None = None
    learning_note: str = ""
    error_bars: ErrorBars | None = None
    terms: Terms | None = None
    reach: Domain | None = None
    checks: list[Check] = []
    properties: list[Property] = []
    findings: Diagnosis | None = None
    provenance: list[Fact] = []


def dump(numbers: Numbers) -> str:
    """JSON of the numbers; `Numbers.model_validate_json` gives them back to the last digit."""
    return numbers.model_dump_json(indent=1) + "\n"


def read_numbers(path: str | Path) -> Numbers:
    """Numbers that an earlier command wrote.

    Raises:
        SoftfixError: if the file is missing, not ours, of a newer schema or damaged, naming the entry.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SoftfixError(f"{path} does not exist: give the file that --json wrote.") from error
    except (OSError, ValueError) as error:
        raise SoftfixError(f"{path} is not JSON ({error}): give the file that --json wrote.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise SoftfixError(f"{path} holds no numbers of softfix diagnose, report or compare: give what --json wrote.")
    schema = content.get("schema_version")
    if not isinstance(schema, int) or schema > SCHEMA:
        raise SoftfixError(
            f"{path} has schema {schema}, written by softfix {content.get('softfix_version')}; this one reads up to "
            f"{SCHEMA}: upgrade softfix."
        )
    try:
        return Numbers.model_validate(content)
    except ValidationError as error:
        raise SoftfixError(f"{path}: entry {first_fault(error)}; write it anew with --json.") from error
