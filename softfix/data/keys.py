"""Which keys of a frame hold the labels."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class LabelKeys(BaseModel):
    """Explicit names of the labels; where one is None, REF_* is looked for, then the calculator's results."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    energy: str | None = None
    forces: str | None = None
    stress: str | None = None
    virials: str | None = None  # eV, -dE/dstrain, so that stress = -virials / volume
