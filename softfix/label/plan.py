"""Which frames are labelled already, which failed, and which are to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from softfix.data.frames import Frame
from softfix.label.outcome import Outcome, Task
from softfix.label.protocol import LabelProtocol
from softfix.label.store import Store


@dataclass(frozen=True)
class Plan:
    """Different frames of the input in their order, against what the store holds of one protocol."""

    protocol: LabelProtocol
    frames: tuple[Frame, ...]  # bare, each geometry once
    copies: int  # frames of the input that repeat another's geometry
    outcomes: dict[str, Outcome]  # of this protocol, by content hash, frames that left the input included
    others: int  # outcomes of other protocols in the store
    retry: bool = False  # whether what failed before is to be done again

    @property
    def labelled(self) -> list[Frame]:
        """Frames of the input that have a label, with it."""
        found = ((frame, self.outcomes.get(frame.content_hash)) for frame in self.frames)
        return [outcome.on(frame) for frame, outcome in found if outcome is not None and outcome.reason is None]

    @property
    def failed(self) -> list[tuple[Frame, str]]:
        """Frames of the input that failed, with the reason."""
        found = ((frame, self.outcomes.get(frame.content_hash)) for frame in self.frames)
        return [(frame, outcome.reason) for frame, outcome in found if outcome is not None and outcome.reason]

    @property
    def gone(self) -> int:
        """Labels in the store whose frames are not, or no more, in the input."""
        here = {frame.content_hash for frame in self.frames}
        return sum(outcome.reason is None and key not in here for key, outcome in self.outcomes.items())

    @property
    def todo(self) -> list[Task]:
        """What is to be computed."""
        digest, level = self.protocol.digest, self.protocol.level
        return [
            Task(self.protocol, digest, level, frame)
            for frame in self.frames
            if (outcome := self.outcomes.get(frame.content_hash)) is None or (self.retry and outcome.reason)
        ]

    @property
    def notes(self) -> list[str]:
        """What a user should know of before anything runs, in sentences."""
        counts = {
            "Frames that repeat the structure of another (labelled once)": self.copies,
            "Labels in the store whose frames are not in the input": self.gone,
            "Results in the store of other settings or versions, not used": self.others,
            "Frames that failed before, left out (--retry tries them again)": 0 if self.retry else len(self.failed),
        }
        return [f"{what}: {count}." for what, count in counts.items() if count]


def plan_for(frames: Sequence[Frame], protocol: LabelProtocol, store: Store, retry: bool = False) -> Plan:
    """What is to be done for these frames."""
    different: dict[str, Frame] = {}
    for frame in frames:
        bare = replace(frame, energy=None, forces=None, stress=None, level=None, labels_from="none", reference=None)
        different.setdefault(frame.content_hash, bare)
    digest = protocol.digest
    own = {frame: outcome for (frame, key), outcome in store.outcomes.items() if key == digest}
    others = sum(frame in different for frame, key in store.outcomes if key != digest)
    return Plan(protocol, tuple(different.values()), len(frames) - len(different), own, others, retry)
