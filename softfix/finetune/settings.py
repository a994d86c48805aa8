"""Settings of fine-tuning; one sentence per field feeds the documentation and the messages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from softfix.settings import SORTED

# Adam's learning rate at the start; calibration/finetune/search.py, on training frames alone
LEARNING_RATES = {"chgnet": 3e-3, "matgl": 3e-4, "mace": 1e-3}


class LossWeights(BaseModel):
    """Weights of the mean squared errors in the loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    energy: float = Field(1.0, ge=0, description="Of the energy per atom, (eV/atom)^2.")
    forces: float = Field(1.0, ge=0, description="Of the force components, (eV/Å)^2.")
    stress: float = Field(0.1, ge=0, description="Of the stress components, GPa^2.")


class FinetuneSettings(BaseModel):
    """How all weights of a base are trained on 1 to 100 frames."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_rate: float | None = Field(
        None,
        gt=0,
        description="Adam's learning rate at the start (falls as a cosine); without it, the family's.",
    )
    epochs: int | None = Field(None, gt=0, description="Passes over the frames; without it, as `steps` ask for.")
    steps: int = Field(300, gt=0, description="Weight updates to aim at where `epochs` is not given.")
    min_epochs: int = Field(20, gt=0, description="Passes at least, where `epochs` is not given.")
    max_epochs: int = Field(60, gt=0, description="Passes at most, where `epochs` is not given.")
    batch_size: int = Field(1, gt=0, description="Frames per update.")
    clip: float = Field(10.0, gt=0, description="Largest norm of the gradient of one update.")
    loss: LossWeights = LossWeights()
    labels: Annotated[frozenset[Literal["energy", "forces", "stress"]], SORTED] = Field(
        frozenset({"energy", "forces", "stress"}), description="Labels to train on, where the frames have them."
    )
    freeze: tuple[str, ...] = Field((), description="Patterns (as of file names) of parameters that stay as they are.")
    hold_out: float = Field(0.1, gt=0, lt=1, description="Share of the frames kept for choosing the best epoch.")
    hold_out_from: int = Field(30, gt=1, description="Frames from which some are held out; below, the last epoch wins.")
    seed: int = Field(0, ge=0, description="Of the order of the frames and of the frames that are held out.")

    def resolved(self, family: str) -> FinetuneSettings:
        """The same settings with everything that was left open filled in for a family of potentials.

        >>> FinetuneSettings().resolved("chgnet").learning_rate
        0.003
        """
        rate = LEARNING_RATES.get(family, 1e-3) if self.learning_rate is None else self.learning_rate
        return self.model_copy(update={"learning_rate": rate})

    def passes(self, frames: int) -> int:
        """Epochs for a number of training frames.

        >>> FinetuneSettings().passes(1), FinetuneSettings().passes(10), FinetuneSettings().passes(100)
        (60, 30, 20)
        """
        if self.epochs is not None:
            return self.epochs
        return min(max(round(self.steps * self.batch_size / frames), self.min_epochs), self.max_epochs)
