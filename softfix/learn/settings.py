"""When a structure is labelled."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class LearnSettings(BaseModel):
    """A structure is labelled where the error bar of a force is too large, and now and then to check the error bar."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float | None = Field(
        None, gt=0, description="eV/Å; label above this error bar of the worst atom. By default `factor` decides."
    )
    factor: float = Field(
        1.6, gt=1, description="Label above this multiple of the error bar that a structure of the fit has at least."
    )
    least: float = Field(0.0005, ge=0, description="eV/Å; an error bar or error below is as good as DFT.")
    gain: float = Field(
        1.3, gt=1, description="Labels go on at the pace of the checks as long as ten times as many are expected to "
        "make the error smaller by this factor."
    )  # fmt: skip
    reserve: float = Field(0.2, ge=0, lt=1, description="Share of the labels that is kept for what is unlike the rest.")
    every: int = Field(5, ge=1, description="Evaluations between looks at the error bar.")
    pause: int = Field(25, ge=0, description="Evaluations after a label before the next.")
    check: int = Field(
        25, ge=1, description="Evaluations before the first label, and between those that test the error bar. Their "
        "distance doubles whenever the error was no more than twice the error bar and more labels gain little."
    )  # fmt: skip
    failures: int = Field(3, ge=1, description="Labels that may fail one after another before the run stops.")
    checkpoint: int = Field(100, ge=1, description="Steps of dynamics between savings of the state.")
    keep: int = Field(50, ge=1, description="Steps between structures of visited.extxyz.")
