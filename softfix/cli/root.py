"""The application that the commands register with."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="Correct the systematic softening of universal interatomic potentials from a few DFT frames.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
