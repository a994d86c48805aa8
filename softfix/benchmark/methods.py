"""The columns of a benchmark: from a few training frames and a base to predictions on others."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from softfix.data.frames import Frame
from softfix.evaluations import Evaluation, evaluate_base, evaluate_frame
from softfix.measure import scalar_of

if TYPE_CHECKING:
    from softfix.bases.protocol import Base

Predict = Callable[[Sequence[Frame], Sequence[Frame], "Base", int], list[Evaluation]]


@dataclass(frozen=True)
class Method:
    """One column: its name, what it does, and the settings that its numbers depend on."""

    name: str
    predict: Predict  # (train, test, base, seed) -> predictions
    settings: Callable[[str], dict]  # of a family: all that a number of it depends on, beside frames and base

    def digest(self, family: str) -> str:
        """Short hash of the settings: a number that was made with others is made anew."""
        return digest_of(self.settings(family))


def digest_of(settings: dict) -> str:
    """Short hash of settings."""
    text = json.dumps(settings, default=sorted, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def predict_base(train: Sequence[Frame], test: Sequence[Frame], base: Base, seed: int) -> list[Evaluation]:
    """The base as it is."""
    return evaluate_base(base, test)


def predict_scalar(train: Sequence[Frame], test: Sequence[Frame], base: Base, seed: int) -> list[Evaluation]:
    """The base times one number fitted to the training forces.

    Source: Deng et al., npj Comput. Mater. 11, 9 (2025), doi:10.1038/s41524-024-01500-6.
    """
    pairs = [(f.forces, b.forces) for f, b in zip(train, evaluate_base(base, train), strict=True)
             if f.forces is not None]  # fmt: skip
    dft, forces = (np.concatenate([np.zeros((0, 3)), *(pair[k] for pair in pairs)]) for k in (0, 1))
    c = scalar_of(dft, forces)
    return [
        Evaluation(c * e.energy, c * e.forces, None if e.stress is None else c * e.stress)
        for e in evaluate_base(base, test)
    ]


def predict_softfix(train: Sequence[Frame], test: Sequence[Frame], base: Base, seed: int) -> list[Evaluation]:
    """The correction with its default settings."""
    from softfix.correct import corrected
    from softfix.fitting import fit

    return corrected(fit(train, base).correction, test, base)


def predict_finetune(train: Sequence[Frame], test: Sequence[Frame], base: Base, seed: int) -> list[Evaluation]:
    """All weights of the base trained on the same frames, with the default settings."""
    from softfix.bases import load_base
    from softfix.finetune import FinetuneSettings, finetune

    with tempfile.TemporaryDirectory() as folder:
        result = finetune(train, base, Path(folder) / "tuned", FinetuneSettings(seed=seed))
        calculator = load_base(result.spec).calculator()
    return [_difference(calculator, frame) for frame in test]


def _difference(calculator, frame: Frame) -> Evaluation:
    whole = evaluate_frame(calculator, frame)
    return whole if frame.reference is None else whole - evaluate_frame(calculator, frame.reference)


def _no_settings(family: str) -> dict:
    return {}


def _softfix_settings(family: str) -> dict:
    from softfix import __version__
    from softfix.settings import FitSettings

    return {"softfix": __version__, **FitSettings().model_dump()}


def _finetune_settings(family: str) -> dict:
    from softfix.finetune import FinetuneSettings

    return FinetuneSettings().resolved(family).model_dump(exclude={"seed"})


METHODS = {
    method.name: method
    for method in (
        Method("base", predict_base, _no_settings),
        Method("scalar", predict_scalar, _no_settings),
        Method("softfix", predict_softfix, _softfix_settings),
        Method("finetune", predict_finetune, _finetune_settings),
    )
}
