"""What a recipe can be told."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from softfix.dynamics import Conditions
from softfix.errors import SoftfixError


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DynamicsSettings(_Settings):
    """The dynamics of high-energy frames."""

    temperatures: tuple[float, ...] = Field((1000.0,), min_length=1, description="K; a run each, coldest first.")
    conditions: Conditions = Field(default_factory=Conditions, description="Time step, thermostat, limits.")
    equilibration: float = Field(200.0, ge=0, description="fs before the first snapshot.")
    interval: float = Field(50.0, gt=0, description="fs between snapshots, at least.")
    correlation: float = Field(
        0.7, gt=0, le=1, description="A snapshot is taken when its displacements correlate less with the last one's."
    )
    patience: int = Field(10, ge=1, description="Intervals after which it is taken in any case.")


class SampleSettings(_Settings):
    """Settings of all recipes; the defaults suit oxides, halides and metals."""

    min_atoms: int = Field(5, ge=1, description="Smaller cells are repeated.")
    max_atoms: int = Field(40, ge=1, description="No cell is repeated beyond this; larger ones are refused.")
    pool: int = Field(6, ge=1, description="Candidates per frame asked for; the best are chosen among them.")
    rattles: tuple[float, ...] = Field((0.05, 0.1, 0.15), description="Standard deviations of rattles in Å.")
    strain: float = Field(0.04, gt=0, lt=0.3, description="Largest component of the strains.")
    strain_rattle: float = Field(
        0.05, ge=0, description="Å; strained perfect crystals have no forces that would teach anything, so shake them."
    )
    dynamics: DynamicsSettings = Field(default_factory=DynamicsSettings)
    displacement: float = Field(0.03, gt=0, description="Length of phonon displacements in Å.")
    random_displacements: bool = Field(False, description="Phonon frames of all atoms at once, in random directions.")
    images: int = Field(7, ge=1, description="Images between two structures.")
    neb: bool = Field(False, description="Relax the images by NEB with the potential, instead of a straight line.")
    neb_steps: int = Field(100, ge=1, description="Most steps of that relaxation.")
    modes: int = Field(3, ge=0, description="Symmetry modes, of the largest part in a distortion, to follow.")
    closest: float = Field(0.65, gt=0, description="Least share of the sum of covalent radii between two atoms.")
    volume: tuple[float, float] = Field((0.6, 1.8), description="Least and largest volume, as a share of the parent's.")

    def heated(self, temperatures: Sequence[float]) -> SampleSettings:
        """These settings with other temperatures in K.

        Raises:
            SoftfixError: for one that is not above zero.
        """
        if min(temperatures) <= 0.0:
            raise SoftfixError(f"A temperature of {min(temperatures):g} K is not above zero: give kelvins.")
        hot = self.dynamics.model_copy(update={"temperatures": tuple(temperatures)})
        return self.model_copy(update={"dynamics": hot})
