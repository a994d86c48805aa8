"""LAMMPS: any ASE calculator as its forces, through `fix external`.

Source: Thompson et al., Comp. Phys. Comm. 271, 10817 (2022), doi:10.1016/j.cpc.2021.108171; https://docs.lammps.org/fix_external.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from softfix.errors import SoftfixError

VIRIAL = (0, 1, 2, 5, 4, 3)  # LAMMPS has xx yy zz xy xz yz, ASE xx yy zz yz xz xy


def couple(lmp: Any, calculator: Any, symbols: Sequence[str], fix: str = "softfix") -> None:
    """Let LAMMPS take energy, forces and virial from an ASE calculator in every step, on top of its pair style.

    `thermo`'s pe and press hold them too. With nothing but the calculator, use `pair_style zero` and `units metal`.

    Args:
        lmp: a `lammps.lammps` whose box and atoms exist.
        calculator: ASE calculator, e.g. `softfix.load("my.softfix")`.
        symbols: chemical symbol of each LAMMPS atom type, in their order.
        fix: id of the `fix external` that is made.

    Raises:
        SoftfixError: for other units than metal, more than one MPI process, or another number of types than symbols.
    """
    types = int(lmp.extract_setting("ntypes"))
    if types != len(symbols):
        raise SoftfixError(f"LAMMPS has {types} atom types, but {len(symbols)} symbols are given: give one for each.")
    if lmp.extract_setting("world_size") > 1:
        raise SoftfixError("LAMMPS runs on more than one MPI process: the calculator needs all atoms on one.")
    if lmp.extract_global("units") != "metal":
        raise SoftfixError(f"LAMMPS has units {lmp.extract_global('units')}: softfix needs `units metal` (eV, Å).")
    lmp.command(f"fix {fix} all external pf/callback 1 1")
    lmp.command(f"fix_modify {fix} energy yes virial yes")
    lmp.set_fix_external_callback(fix, _Callback(lmp, calculator, symbols, fix))


class _Callback:
    """What LAMMPS calls in every step."""

    def __init__(self, lmp: Any, calculator: Any, symbols: Sequence[str], fix: str):
        from ase.data import atomic_numbers

        self.lmp, self.calculator, self.fix = lmp, calculator, fix
        self.numbers = np.array([0, *(atomic_numbers[symbol] for symbol in symbols)])  # types count from 1

    def __call__(self, _caller: Any, _step: int, count: int, tags: np.ndarray, x: np.ndarray, f: np.ndarray) -> None:
        """Set the forces of all atoms; energy and virial of the whole."""
        from ase import Atoms

        order = np.argsort(tags)  # LAMMPS sorts its atoms anew now and then
        types = self.lmp.numpy.extract_atom("type")[:count]
        cell, pbc = box_of(self.lmp)
        atoms = Atoms(self.numbers[types[order]], x[order], cell=cell, pbc=pbc, calculator=self.calculator)
        f[order] = atoms.get_forces()
        self.lmp.fix_external_set_energy_global(self.fix, atoms.get_potential_energy(force_consistent=True))
        if "stress" in self.calculator.implemented_properties:
            virial = -atoms.get_volume() * atoms.get_stress()[list(VIRIAL)]
            self.lmp.fix_external_set_virial_global(self.fix, virial.tolist())


def box_of(lmp: Any) -> tuple[np.ndarray, list[bool]]:
    """Cell of a LAMMPS box (rows are its vectors, Å) and which of them are periodic."""
    low, high, xy, yz, xz, periodic, _ = lmp.extract_box()
    lx, ly, lz = np.subtract(high, low)
    return np.array([[lx, 0.0, 0.0], [xy, ly, 0.0], [xz, yz, lz]]), [bool(each) for each in periodic]
