"""Fine-tuning of all weights with each package's own model, graphs and loss: the peer that a correction must beat."""

from softfix.finetune.finetune import FinetuneResult, finetune
from softfix.finetune.settings import FinetuneSettings, LossWeights

__all__ = ["FinetuneResult", "FinetuneSettings", "LossWeights", "finetune"]
