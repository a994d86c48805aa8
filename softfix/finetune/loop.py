"""The training loop that all families share: Adam, a cosine schedule, the best epoch, checkpoints."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from softfix.errors import SoftfixError
from softfix.files import atomic_path

if TYPE_CHECKING:
    from softfix.finetune.settings import FinetuneSettings
    from softfix.finetune.trainee import Trainee

FLOOR = 0.01  # share of the learning rate that the cosine ends at


@dataclass
class Progress:
    """Where a training run stands."""

    epoch: int = 0  # epochs done
    train_loss: list[float] = field(default_factory=list)  # mean of each epoch
    validation_force_mae_eV_A: list[float] = field(default_factory=list)
    best_epoch: int | None = None  # counted from 1; None: no frames to choose by, the last epoch stands


def run(
    trainee: Trainee, frames: int, validated: bool, settings: FinetuneSettings, checkpoint: Path, digest: str,
    track: Callable[[Iterable], Iterable] = iter,
) -> Progress:  # fmt: skip
    """Train, epoch by epoch, from the checkpoint if there is one; leave the best weights in the model.

    Args:
        trainee: model and losses.
        frames: number of training frames.
        validated: whether there are frames to choose the best epoch by.
        settings: see `FinetuneSettings`.
        checkpoint: file that is written after each epoch and read at the start.
        digest: of data, base and settings; a checkpoint of another run is refused.
        track: wraps the updates, e.g. in a progress bar.

    Raises:
        SoftfixError: for a loss that is not finite, or a checkpoint of another run.
    """
    import torch

    if settings.learning_rate is None:
        raise ValueError("the learning rate is open: call settings.resolved(family) first")
    parameters = freeze(trainee.model, settings.freeze)
    optimizer = torch.optim.Adam(parameters, lr=settings.learning_rate)
    progress, best = _restore(checkpoint, digest, trainee.model, optimizer)
    epochs = settings.passes(frames)
    batches = math.ceil(frames / settings.batch_size)
    losses: list[float] = []
    for step in track(range(progress.epoch * batches, epochs * batches)):
        epoch, batch = divmod(step, batches)
        rate = learning_rate(settings.learning_rate, step, epochs * batches)
        losses.append(_update(trainee, optimizer, parameters, _batches(frames, epoch, settings)[batch], rate, settings))
        if not math.isfinite(losses[-1]):
            raise SoftfixError(
                f"The loss is {losses[-1]} in epoch {epoch + 1} of {epochs}: lower the learning rate "
                f"({settings.learning_rate:g}) or look for absurd labels; {checkpoint} holds the epoch before."
            )
        if batch == batches - 1:
            progress.epoch = epoch + 1
            progress.train_loss.append(float(np.mean(losses)))
            losses.clear()
            if validated and _improved(progress, trainee.force_error()):
                best = {name: value.detach().clone() for name, value in trainee.model.state_dict().items()}
            _keep(checkpoint, digest, trainee.model, optimizer, progress, best)
    if best is not None:
        trainee.model.load_state_dict(best)
    return progress


def learning_rate(start: float, step: int, steps: int) -> float:
    """Cosine from `start` to a hundredth of it.

    >>> learning_rate(1.0, 0, 100), round(learning_rate(1.0, 100, 100), 12)
    (1.0, 0.01)
    """
    return start * (FLOOR + (1.0 - FLOOR) * 0.5 * (1.0 + math.cos(math.pi * step / steps)))


def freeze(model: Any, patterns: tuple[str, ...]) -> list:
    """Take parameters whose names match a pattern out of training; give those that are trained.

    Raises:
        SoftfixError: if a pattern matches none, or nothing is left to train.
    """
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    for pattern in patterns:
        matched = [parameter for name, parameter in named if fnmatch.fnmatchcase(name, pattern)]
        if not matched:
            groups = sorted({name.split(".")[0] for name, _ in named})
            raise SoftfixError(f"freeze: no parameter is named like '{pattern}'; they begin with {', '.join(groups)}.")
        for parameter in matched:
            parameter.requires_grad = False
    trained = [parameter for _, parameter in named if parameter.requires_grad]
    if not trained:
        raise SoftfixError("freeze: every parameter is frozen, so that nothing is left to train.")
    return trained


def _batches(frames: int, epoch: int, settings: FinetuneSettings) -> list[np.ndarray]:
    """Each frame once per epoch, in an order of the epoch's own, so that a resumed run sees the same."""
    order = np.random.default_rng((settings.seed, epoch)).permutation(frames)
    return [order[i : i + settings.batch_size] for i in range(0, frames, settings.batch_size)]


def _update(trainee: Trainee, optimizer, parameters, batch, rate: float, settings: FinetuneSettings) -> float:
    import torch

    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss = trainee.loss([int(i) for i in batch])
    value = float(loss.detach())
    if math.isfinite(value):
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, settings.clip)
        optimizer.step()
    return value


def _improved(progress: Progress, error: float) -> bool:
    progress.validation_force_mae_eV_A.append(error)
    if error > min(progress.validation_force_mae_eV_A) or not math.isfinite(error):
        return False
    progress.best_epoch = progress.epoch
    return True


def _keep(checkpoint: Path, digest: str, model, optimizer, progress: Progress, best) -> None:
    import torch

    content = {"digest": digest, "progress": asdict(progress), "best": best}
    with atomic_path(checkpoint) as temporary:
        torch.save(content | {"model": model.state_dict(), "optimizer": optimizer.state_dict()}, temporary)


def _restore(checkpoint: Path, digest: str, model, optimizer) -> tuple[Progress, dict | None]:
    import torch

    if not checkpoint.is_file():
        return Progress(), None
    kept = torch.load(checkpoint, map_location=next(model.parameters()).device, weights_only=True)
    if kept["digest"] != digest:
        raise SoftfixError(
            f"{checkpoint} is of a run with other frames, base or settings: remove it or choose another output folder."
        )
    model.load_state_dict(kept["model"])
    optimizer.load_state_dict(kept["optimizer"])
    return Progress(**kept["progress"]), kept["best"]
