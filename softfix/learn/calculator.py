"""A learner as an ASE calculator, for any driver: dynamics, relaxation, NEB."""

from __future__ import annotations

from typing import Any

from ase.calculators.calculator import Calculator, all_changes

from softfix.data.frames import Frame
from softfix.learn.learner import Learner


class LearningCalculator(Calculator):
    """The corrected potential, which asks DFT for a label when it is unsure and then goes on with what it learned.

    The potential changes at a label: an optimiser or a band sees a step in energy there, as with any learning on the
    fly. `extra_results` are those of the corrected calculator.
    """

    def __init__(self, learner: Learner):
        """Use a learner, which may serve several calculators, as in a band of images."""
        super().__init__()
        self.learner = learner
        self.implemented_properties = list(learner.potential.implemented_properties)
        self.extra_results: dict[str, Any] = {}

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Evaluate; label and evaluate again where the learner wants to."""
        super().calculate(atoms, properties, system_changes)
        wanted = {*properties, "energy", "forces"}
        self._evaluate(wanted)
        assert self.atoms is not None
        numbers, cell, pbc = self.atoms.numbers.copy(), self.atoms.cell.array.copy(), self.atoms.pbc.copy()
        frame = Frame(numbers, self.atoms.positions.copy(), cell, pbc, config_type="learned")
        if (why := self.learner.meets(frame)) is not None:
            self.learner.learn(frame, self.results["forces"], why)
            self._evaluate(wanted)

    def _evaluate(self, wanted: set[str]) -> None:
        potential = self.learner.potential
        for name in sorted(wanted):
            potential.get_property(name, self.atoms)
        self.results = dict(potential.results)
        self.extra_results = getattr(potential, "extra_results", {})
