"""What a fit is to explain: labelled frames, what the base gives for them, and with which functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from softfix.core.basis import Basis
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation
from softfix.measure import scalar_of
from softfix.settings import FitSettings, TrustSettings
from softfix.trusted import Trusted

AT_REST = 0.02  # eV/Å, largest force of what DFT codes take for relaxed
SOFT = 0.5  # share of the squared error of forces that one scale may leave where the base counts as too soft


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be explained, and with which columns."""

    basis: Basis
    elements: tuple[int, ...]
    frames: Sequence[Frame]
    evaluations: Sequence[Evaluation]
    reference: np.ndarray  # (elements,) eV
    offsets: np.ndarray  # (elements,) eV, first estimate
    settings: FitSettings
    trusted: Trusted = field(default_factory=Trusted)  # structures without labels
    wild: float = np.inf  # eV/atom, difference from the base beyond which an energy is taken for a mistake

    @cached_property
    def stress_trust(self) -> float:
        """How far the correction may change a stress without a label, eV/Å^3."""
        return min(self.settings.noise.stress_trust, self.settings.trust.stress * self.trusted.bulk_modulus)

    @cached_property
    def pressure_trust(self) -> float:
        """How far it may change the stress of a frame whose elements are exchanged, in any case, eV/Å^3."""
        return self.settings.trust.pressure * self.trusted.bulk_modulus

    @property
    def forms(self) -> tuple[str, ...]:
        """Domains that compete. Frames at rest never get the global one.

        That their forces vanish is explained best by taking all of the base away, which is wrong wherever forces do not
        vanish.
        """
        domain = self.settings.domain
        if domain != "auto":
            return (domain,)
        return ("local",) if self.are_at_rest else ("local", "global")

    @property
    def are_at_rest(self) -> bool:
        """Whether forces tell of themselves, not of their vicinity: all vanish, or are (rms) below the base's error."""
        forces, base = self.forces
        vanish = len(forces) > 0 and float(np.abs(forces).max()) < AT_REST
        return vanish or float(np.sum(forces**2 - (forces - base) ** 2)) < 0.0

    @property
    def trust(self) -> TrustSettings:
        """How firmly the base is held to: more so by frames at rest, which say nothing of its errors elsewhere."""
        trust = self.settings.trust
        share = trust.at_rest if self.are_at_rest else 1.0
        return trust.model_copy(update={"relative": share * trust.relative, "floor": share * trust.floor})

    @property
    def is_softened(self) -> bool:
        """Whether one scale of the base's forces takes away half of their squared error, as where it is too soft.

        Other structures share such an error; any other may be that of these frames alone.
        """
        forces, base = self.forces
        scaled = scalar_of(forces, base) * base
        return float(np.sum((forces - scaled) ** 2)) <= SOFT * float(np.sum((forces - base) ** 2))

    @property
    def force_error(self) -> float:
        """Error of the base's forces (rms), eV/Å; 0 without labels."""
        forces, base = self.forces
        return float(np.sqrt(np.mean((forces - base) ** 2))) if len(forces) else 0.0

    @cached_property
    def forces(self) -> np.ndarray:
        """(2, components) labels of all forces, and those of the base, eV/Å."""
        pairs = zip(self.frames, self.evaluations, strict=True)
        known = [(frame.forces.ravel(), base.forces.ravel()) for frame, base in pairs if frame.forces is not None]
        return np.concatenate([np.zeros((2, 0)), *known], axis=1)
