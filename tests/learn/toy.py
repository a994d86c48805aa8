"""A truth that no factor makes of the base: EMT with a Morse pair potential on top."""

import os
import signal

from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential


class Truth(EMT):
    """EMT plus a weak Morse potential; TOY_KILL: number of calls after which the process kills itself."""

    calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        other = self.atoms.copy()
        other.calc = MorsePotential(epsilon=0.08, r0=2.7, rho0=5.0, rcut1=4.0, rcut2=5.5)
        energy = other.get_potential_energy()
        self.results["energy"] += energy
        self.results["free_energy"] += energy
        self.results["forces"] = self.results["forces"] + other.get_forces()
        self.results["stress"] = self.results["stress"] + other.get_stress()
        Truth.calls += 1
        if log := os.environ.get("TOY_LOG"):
            with open(log, "a") as stream:
                stream.write(f"{self.atoms.positions.sum():.12f}\n")
        if Truth.calls == int(os.environ.get("TOY_KILL", "0")):
            os.kill(os.getpid(), signal.SIGKILL)


class Failing(EMT):
    """DFT that never converges."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results["converged"] = False
