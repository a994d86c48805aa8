"""Phases as a DFT code relaxes them, cell included, within their symmetry; every evaluation is kept as labels are."""

from __future__ import annotations

from dataclasses import replace

from ase.calculators.calculator import Calculator, all_changes

from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.errors import SoftfixError
from softfix.label.outcome import Outcome
from softfix.label.protocol import LabelProtocol
from softfix.label.store import Store
from softfix.properties.potential import geometry
from softfix.properties.relaxation import RelaxationSettings, relax

SETTINGS = RelaxationSettings(force=0.01, steps=100)


class Labelling(Calculator):
    """A protocol as an ASE calculator; what is in the store is not computed again."""

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012  # as ASE has it

    def __init__(self, protocol: LabelProtocol, store: Store):
        """Label by a protocol, into a store."""
        super().__init__()
        self.protocol, self.store = protocol, store

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Energy, forces and stress of the label."""
        super().calculate(atoms, properties, system_changes)
        frame = geometry(self.atoms)
        label = self.outcome(frame).on(frame)
        self.results = {"energy": label.energy, "free_energy": label.energy, "forces": label.forces}
        self.results["stress"] = label.stress

    def outcome(self, frame: Frame) -> Outcome:
        """The label of a structure.

        Raises:
            SoftfixError: if there is none.
        """
        found = self.store.labelled(self.protocol, frame)
        if found.reason:
            raise SoftfixError(f"A step of the relaxation has no label: {found.reason}.")
        return found


def relaxed(phase: Frame, protocol: LabelProtocol, store: Store) -> Frame:
    """A phase where its forces and stress vanish, labelled."""
    calculator = Labelling(protocol, store)
    end = geometry(relax(atoms_of(phase), calculator, SETTINGS))
    return replace(calculator.outcome(end).on(end), config_type=f"phase:{phase.source}")
