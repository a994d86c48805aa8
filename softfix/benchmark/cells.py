"""Cells of a benchmark: what is to be measured, and what was, line by line in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from softfix.files import atomic_path
from softfix.lines import Lines
from softfix.measure import Measures


class Cell(BaseModel):
    """One number of the table to be: a method on one draw of one system."""

    model_config = ConfigDict(frozen=True)

    system: str
    base: str  # spec
    method: str
    k: int  # training frames; 0 for a method that needs none
    seed: int  # of the draw


class Result(Cell):
    """A measured cell."""

    digest: str  # of the method's settings
    base_key: str  # short hash of the base's identity
    measures: Measures
    config_type: dict[str, float | None]  # force MAE in eV/Å of each group of test frames
    wall_s: float  # fitting and predicting; the base's own evaluations come from the cache
    cpu_s: float

    @property
    def cell(self) -> Cell:
        """What was measured."""
        return Cell(**self.model_dump(include=set(Cell.model_fields)))


@dataclass(frozen=True)
class Plan:
    """Which cells a benchmark consists of."""

    bases: Sequence[str]
    methods: Sequence[str]
    sizes: Sequence[int]
    draws: int

    def cells(self, systems: dict[str, int]) -> list[Cell]:
        """Cells in the order in which they are best done: the base, then all methods of one draw, small sizes first.

        Args:
            systems: number of training frames of each system; a size that would take them all is measured once,
                larger ones are left out.
        """
        of_the_base = [
            Cell(system=system, base=base, method="base", k=0, seed=0)
            for base in self.bases
            for system in systems
            if "base" in self.methods
        ]
        return of_the_base + [
            Cell(system=system, base=base, method=method, k=k, seed=seed)
            for seed in range(self.draws)
            for k in self.sizes
            for base in self.bases
            for system, available in systems.items()
            for method in self.methods
            if _wanted(method, k, seed, available)
        ]


def _wanted(method: str, k: int, seed: int, available: int) -> bool:
    return method != "base" and (k < available or (k == available and seed == 0))


class Store:
    """Measured cells in a file of one JSON line each; a line that was cut off by a kill is dropped."""

    def __init__(self, path: Path):
        self.path = path
        self._lines = Lines(path, "a result of this benchmark")
        self.results = {result.cell: result for result in self._lines.read(Result.model_validate_json)}

    def add(self, result: Result) -> None:
        """Keep a result, on disk before this returns."""
        self._lines.add(result.model_dump_json())
        self.results[result.cell] = result

    def compact(self) -> None:
        """Drop lines that later ones replaced, and sort."""
        key = lambda result: (result.base, result.system, result.method, result.k, result.seed)  # noqa: E731
        lines = [result.model_dump_json() + "\n" for result in sorted(self.results.values(), key=key)]
        with atomic_path(self.path) as temporary:
            temporary.write_text("".join(lines), encoding="utf-8")

    def has(self, cell: Cell, digest: str, base_key: str) -> bool:
        """Whether the cell was measured with these settings and this very base."""
        found = self.results.get(cell)
        return found is not None and found.digest == digest and found.base_key == base_key
