"""A ferroelectric whose every property is known: CsCl cells with a dipole each, in a double well.

Per cell, with u the displacement of B against A: W (u^2 / U^2 - 1)^2 + J/2 sum over the three next cells |u - u'|^2,
springs that hold the A atoms in their lattice, and an elastic energy of the cell.
"""

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

A = 4.0  # Å, lattice constant
U = 0.2  # Å, displacement of the polar phase
CHARGE = 2.0  # e
CHARGES = {"Pb": CHARGE, "Se": -CHARGE}


class Ferroelectric(Calculator):
    """See above; atoms come in pairs, Pb and Se, cell by cell."""

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012  # as ASE has it
    default_parameters = {"W": 0.05, "J": 0.5, "spring": 5.0, "stiffness": 100.0}  # noqa: RUF012

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        p, cell = self.parameters, self.atoms.cell.array
        repeats = np.round(self.atoms.cell.lengths() / A).astype(int)
        one = cell / repeats[:, None]
        pb, se = self.atoms.positions[::2], self.atoms.positions[1::2]
        u = nearest(se - pb - 0.5 * one.sum(axis=0), cell)
        places = np.round(np.linalg.solve(one.T, (pb - pb[0]).T).T).astype(int) % repeats
        off = nearest(pb - pb[0] - places @ one, cell)
        off -= off.mean(axis=0)
        index = np.zeros(repeats, int)
        index[tuple(places.T)] = np.arange(len(pb))
        well = (u**2).sum(axis=1) / U**2 - 1.0
        energy = p.W * (well**2).sum() + 0.5 * p.spring * (off**2).sum()
        slope = 4.0 * p.W * well[:, None] * u / U**2
        for step in np.eye(3, dtype=int):
            other = index[tuple(((places + step) % repeats).T)]
            apart = u - u[other]
            energy += 0.5 * p.J * (apart**2).sum()
            slope += p.J * apart
            np.add.at(slope, other, -p.J * apart)
        strain = 0.5 * (one @ one.T / A**2 - np.eye(3))
        energy += 0.5 * p.stiffness * len(pb) * (strain**2).sum()
        forces = np.zeros_like(self.atoms.positions)
        forces[::2], forces[1::2] = slope - p.spring * off, -slope
        virial = slope.T @ u + p.spring * off.T @ off + p.stiffness * len(pb) * one.T @ strain @ one / A**2
        stress = 0.5 * (virial + virial.T) / self.atoms.get_volume()
        self.results = {"energy": energy, "free_energy": energy, "forces": forces,
                        "stress": stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]}  # fmt: skip


def nearest(moves, cell):
    """Shortest images of vectors."""
    fractional = moves @ np.linalg.inv(cell)
    return (fractional - np.round(fractional)) @ cell


def phase(u=0.0):
    """One cell, B displaced by u along z."""
    return Atoms("PbSe", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5 + u / A]], cell=np.eye(3) * A, pbc=True)
