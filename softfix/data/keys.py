"""Which keys of a frame hold the labels."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class LabelKeys(BaseModel):
    """Explicit names of the labels; where one is None, REF_* is looked for, then the calculator's results.

    >>> LabelKeys(energy="dft_energy").given
    {'energy': 'dft_energy'}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    energy: str | None = None  # eV
    forces: str | None = None  # (atoms, 3) eV/Å
    stress: str | None = None  # 6 (Voigt) or 9 numbers in eV/Å^3, tension positive
    virials: str | None = None  # 6 or 9 numbers in eV, -dE/dstrain, so that stress = -virials / volume
    required: bool = True  # whether a frame without any label is a fault

    @property
    def given(self) -> dict[str, str]:
        """The labels with an explicit key, and that key."""
        return {label: key for label, key in self if isinstance(key, str)}
