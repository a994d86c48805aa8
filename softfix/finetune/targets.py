"""What a model is trained on: frames whose energies were brought to the base's own zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from softfix.errors import SoftfixError
from softfix.evaluations import EvaluationCache, evaluate_base
from softfix.rows import composition_offsets, counts_of

if TYPE_CHECKING:
    from softfix.bases.protocol import Base
    from softfix.data.frames import Frame
    from softfix.evaluations import Evaluation


@dataclass(frozen=True, eq=False)
class Target:
    """One structure with every label that is trained on; a label that none of the frames has is not."""

    frame: Frame
    energy: float  # eV, DFT minus composition offset
    forces: np.ndarray  # (atoms, 3) eV/Å
    stress: np.ndarray  # (6,) eV/Å^3, Voigt xx yy zz yz xz xy, tension positive


@dataclass(frozen=True, eq=False)
class Targets:
    """Structures to train on."""

    items: list[Target]
    kinds: frozenset[str]  # which of energy, forces, stress are trained on
    offsets: dict[int, float]  # eV per atom of each atomic number, to be added to the trained model

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def none(cls) -> Targets:
        """No structures."""
        return cls([], frozenset(), {})


def without_references(frames: Sequence[Frame], base: Base, cache: EvaluationCache | None = None) -> list[Frame]:
    """Frames whose forces are differences (phonopy's) with the base's own forces on the perfect structure added."""
    plain = []
    for frame in frames:
        if frame.reference is not None:
            perfect = evaluate_base(base, [frame.reference], cache)[0].forces
            forces = None if frame.forces is None else frame.forces + perfect
            frame = replace(frame, reference=None, energy=None, forces=forces)
        plain.append(frame)
    return plain


def targets_of(frames: Sequence[Frame], base: Sequence[Evaluation], labels: frozenset[str]) -> Targets:
    """Targets of labelled frames; a label that a frame lacks and others have is taken from the base.

    The composition offsets are the shortest vector that explains DFT minus base, so that one composition, which
    determines one number only, does not blow up.

    Raises:
        SoftfixError: if the frames hold none of the labels.
    """
    known = {
        "energy": [f.energy is not None for f in frames],
        "forces": [f.forces is not None for f in frames],
        "stress": [f.stress is not None and b.stress is not None for f, b in zip(frames, base, strict=True)],
    }
    kinds = frozenset(kind for kind, present in known.items() if any(present)) & labels
    if not kinds:
        raise SoftfixError("The frames hold none of the labels that are to be trained on: see `labels`.")
    elements = tuple(sorted({int(z) for frame in frames for z in frame.numbers}))
    counts = np.array([counts_of(frame.numbers, elements) for frame in frames])
    excess = np.array([(f.energy or 0.0) - b.energy for f, b in zip(frames, base, strict=True)])
    labelled = np.array(known["energy"])
    offsets = composition_offsets(counts[labelled], excess[labelled])
    items = [
        Target(
            frame=frame,
            energy=evaluation.energy + (excess[i] - counts[i] @ offsets if labelled[i] else 0.0),
            forces=evaluation.forces if frame.forces is None else frame.forces,
            stress=_stress(frame, evaluation),
        )
        for i, (frame, evaluation) in enumerate(zip(frames, base, strict=True))
    ]
    return Targets(items, kinds, dict(zip(elements, map(float, offsets), strict=True)))


def _stress(frame: Frame, evaluation: Evaluation) -> np.ndarray:
    if evaluation.stress is None:
        return np.zeros(6)
    return evaluation.stress if frame.stress is None else frame.stress
