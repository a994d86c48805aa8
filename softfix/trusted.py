"""Structures made from the frames of a fit, without labels, in which the base is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from softfix.compression import Compression, bulk_modulus, changed, compressible, stiff
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation
from softfix.exchange import Exchange, exchanged
from softfix.far import far_structures
from softfix.settings import TrustSettings


class Trusted(NamedTuple):
    """Structures of each kind, with the base's evaluations."""

    far: Sequence[tuple[Frame, Evaluation]] = ()  # unlike all frames
    compressions: Sequence[Compression] = ()  # frames whose volume is changed
    exchanges: Sequence[Exchange] = ()  # frames whose elements are exchanged

    @property
    def frames(self) -> list[Frame]:
        """All structures."""
        others = [frame for frame, _ in (*self.far, *self.exchanges)]
        return [*others, *(compression.after[0] for compression in self.compressions)]

    @property
    def bulk_modulus(self) -> float:
        """Of the base in eV/Å^3; inf where none is known."""
        return bulk_modulus(self.compressions)


@dataclass(frozen=True, eq=False)
class Made:
    """Structures of each kind, before the base has evaluated them."""

    far: list[Frame]
    resting: list[int]  # which frames are compressed
    compressed: list[Frame]
    exchanged: list[Frame]

    @property
    def frames(self) -> list[Frame]:
        """All structures, in the order in which `evaluated` takes them."""
        return [*self.far, *self.compressed, *self.exchanged]

    def evaluated(self, labelled: Sequence[tuple[Frame, Evaluation]], found: Sequence[Evaluation]) -> Trusted:
        """With evaluations of the base, those of the labelled frames among them."""
        rest = iter(found)
        far, after, exchanges = (
            [(frame, next(rest)) for frame in frames] for frames in (self.far, self.compressed, self.exchanged)
        )
        before = [labelled[i] for i in self.resting]
        return Trusted(far, stiff(list(map(Compression, before, after))), [Exchange(*each) for each in exchanges])


def made_of(frames: Sequence[Frame], trust: TrustSettings) -> Made:
    """Structures for a fit to these frames, always the same ones."""
    resting = compressible(frames, trust.compressed)
    volumes = [changed(frames[i], place) for place, i in enumerate(resting)]
    return Made(far_structures(frames, trust.structures), resting, volumes, exchanged(frames, trust.exchanged))
