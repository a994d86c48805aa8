"""Fine-tuning: frames and a base in, a folder with a trained potential out, which is a base itself."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from softfix.data.frames import data_digest
from softfix.errors import SoftfixError
from softfix.evaluations import EvaluationCache, evaluate_base
from softfix.files import atomic_path
from softfix.finetune.loop import Progress, run
from softfix.finetune.settings import FinetuneSettings
from softfix.finetune.targets import Targets, targets_of, without_references
from softfix.finetune.trainee import trainee_of

if TYPE_CHECKING:
    from softfix.bases.protocol import Base
    from softfix.data.frames import Frame

RECORD = "finetune.json"
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class FinetuneResult:
    """A trained potential and how its training went."""

    spec: str  # give it to load_base or --base
    folder: Path
    progress: Progress
    status: str  # one sentence
    seconds: float  # of this call; a resumed run took longer in all


def finetune(
    frames: Sequence[Frame], base: Base | str, folder: Path | str, settings: FinetuneSettings | None = None,
    validation: Sequence[Frame] = (), cache: EvaluationCache | None = None,
    track: Callable[[Iterable], Iterable] = iter,
) -> FinetuneResult:  # fmt: skip
    """Train all weights of `base` on labelled frames, and write the trained potential to `folder`.

    A run that was stopped goes on from its last whole epoch when it is called again with the same arguments.

    Args:
        frames: labelled structures; each is seen once per epoch, none is added or repeated.
        base: a base of a family with a trainer, or its spec.
        folder: where the potential, the checkpoint and a record of the run go.
        settings: see `FinetuneSettings`; the defaults suit 1 to 100 frames.
        validation: frames to choose the best epoch by; without them some of `frames` are held out if there are many.
        cache: of base evaluations.
        track: wraps the updates, e.g. in a progress bar.

    Raises:
        SoftfixError: for frames without labels, a base without a trainer, a loss that is not finite, or a folder
            that holds another run.
    """
    from softfix.bases import load_base

    base, folder = load_base(base), Path(folder)
    settings = (settings or FinetuneSettings()).resolved(base.identity.family)
    if not frames:
        raise SoftfixError("There are no frames to train on.")
    train, held = (list(frames), list(validation)) if validation else split(frames, settings)
    if any(frame.forces is None for frame in held):
        raise SoftfixError("The validation frames choose the best epoch by their forces, which some of them lack.")
    started = time.perf_counter()
    digest = _digest(train, held, base, settings)
    spec = f"{base.identity.family}:{folder}"
    if finished := _finished(folder, digest):
        return FinetuneResult(spec, folder, finished, "It was trained already.", 0.0)
    train, held = (without_references(some, base, cache) for some in (train, held))
    targets = targets_of(train, evaluate_base(base, train, cache), settings.labels)
    unseen = targets_of(held, evaluate_base(base, held, cache), settings.labels) if held else Targets.none()
    trainee = trainee_of(base, targets, unseen, settings)
    progress = run(trainee, len(targets), bool(held), settings, folder / CHECKPOINT, digest, track)
    trainee.save(folder, targets.offsets)
    status = f"Trained {progress.epoch} epochs on {len(train)} frames"
    status += f"; epoch {progress.best_epoch} was the best on {len(held)} others." if held else "; the last one stands."
    result = FinetuneResult(spec, folder, progress, status, time.perf_counter() - started)
    _write_record(result, base, settings, digest, targets)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return result


def split(frames: Sequence[Frame], settings: FinetuneSettings) -> tuple[list[Frame], list[Frame]]:
    """Frames to train on, and frames with forces to choose the best epoch by: none where there are few."""
    usable = [i for i, frame in enumerate(frames) if frame.forces is not None]
    if len(usable) < settings.hold_out_from:
        return list(frames), []
    count = max(1, round(settings.hold_out * len(usable)))
    held = set(np.random.default_rng(settings.seed).permutation(usable)[:count].tolist())
    return [f for i, f in enumerate(frames) if i not in held], [f for i, f in enumerate(frames) if i in held]


def _digest(train: Sequence[Frame], held: Sequence[Frame], base: Base, settings: FinetuneSettings) -> str:
    chosen = json.dumps(settings.model_dump(), default=sorted, sort_keys=True)  # sets have no order of their own
    parts = (data_digest(train), data_digest(held), base.identity.key, chosen)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _finished(folder: Path, digest: str) -> Progress | None:
    """Progress of the finished run in this folder, None where there is none.

    Raises:
        SoftfixError: if it was another run.
    """
    record = folder / RECORD
    if not record.is_file():
        return None
    content = json.loads(record.read_text(encoding="utf-8"))
    if content["digest"] != digest:
        raise SoftfixError(f"{folder} holds a potential of other frames, base or settings: choose another folder.")
    return Progress(**content["progress"])


def _write_record(result: FinetuneResult, base: Base, settings: FinetuneSettings, digest: str, targets) -> None:
    content = {
        "digest": digest,
        "base": base.identity.model_dump(),
        "settings": settings.model_dump(mode="json"),
        "trained_on": sorted(targets.kinds),
        "frames": len(targets),
        "offsets_eV": targets.offsets,
        "progress": asdict(result.progress),
        "seconds": result.seconds,
    }
    with atomic_path(result.folder / RECORD) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
