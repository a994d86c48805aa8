"""What fine-tuning asks of each family of potentials: its own model, graphs and loss behind three calls."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from softfix.errors import SoftfixError

if TYPE_CHECKING:
    import torch

    from softfix.bases.protocol import Base
    from softfix.finetune.settings import FinetuneSettings
    from softfix.finetune.targets import Targets

FAMILIES = {
    "chgnet": ("softfix.finetune.chgnet", "CHGNetTrainee"),
    "matgl": ("softfix.finetune.matgl", "MatglTrainee"),
    "mace": ("softfix.finetune.mace", "MACETrainee"),
}


class Trainee(Protocol):
    """A model in training."""

    model: torch.nn.Module  # whose parameters are trained

    def loss(self, indices: Sequence[int]) -> torch.Tensor:
        """Loss of the package itself on a batch of training frames."""
        ...

    def force_error(self) -> float:
        """Mean |force error| on the validation frames, eV/Å."""
        ...

    def save(self, folder: Path, offsets: dict[int, float]) -> None:
        """Add composition offsets to the model (eV per atom) and write it so that `load_base` takes the folder."""
        ...


def trainee_of(base: Base, train: Targets, validation: Targets, settings: FinetuneSettings) -> Trainee:
    """Model of a base, made ready for training.

    Raises:
        SoftfixError: for a base that is not of a family with a trainer.
    """
    family = base.identity.family
    if family not in FAMILIES:
        raise SoftfixError(f"Base {base.identity.spec} can't be fine-tuned: give one of {', '.join(FAMILIES)}.")
    module, name = FAMILIES[family]
    return getattr(import_module(module), name)(base, train, validation, settings)
