"""Few-shot benchmarks: methods side by side on the same random draws of training frames."""

from softfix.benchmark.cells import Cell, Plan, Result
from softfix.benchmark.methods import METHODS, Method, digest_of
from softfix.benchmark.runner import run
from softfix.benchmark.systems import System, find_systems
from softfix.benchmark.table import Column, Summary, summary

__all__ = [
    "METHODS",
    "Cell",
    "Column",
    "Method",
    "Plan",
    "Result",
    "Summary",
    "System",
    "digest_of",
    "find_systems",
    "run",
    "summary",
]
