"""GAP from scratch: two-body distances and SOAP, fitted by gap_fit of quippy-ase.

    FOLDER/gap/bin/python calibration/scoreboard/peers/gap.py train.extxyz test.extxyz predictions.npz

Method: Bartók et al. 2010 (doi:10.1103/PhysRevLett.104.136403); SOAP: Bartók et al. 2013
(doi:10.1103/PhysRevB.87.184115). Settings: atom_sigma, zeta, delta, at most 1000 environments by CUR and the errors of
forces and virials are the defaults of maml, the code of Zuo et al. 2020 (doi:10.1021/acs.jpca.9b08723), from where the
Ge, Si, Mo and Li frames of the scoreboard are; 1 meV/atom and 15 distances per pair are those of Deringer and Csányi
2017 (doi:10.1103/PhysRevB.95.094203). Of our own, for small sets: n_max = l_max = 8 and the cutoff.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import combinations_with_replacement
from pathlib import Path

from exchange import labelled, run

CUTOFF = 5.5  # Å
SIGMAS = {"energy": 0.001, "forces": 0.1, "virial": 0.05}  # eV/atom, eV/Å, eV/atom
DISTANCES = "delta=2.0 theta_uniform=1.0 n_sparse=15 covariance_type=ard_se sparse_method=uniform"
SOAP = "n_max=8 l_max=8 atom_sigma=0.5 zeta=4 delta=1.0 cutoff_transition_width=1.0 central_weight=1.0"
MOST_SPARSE = 1000  # environments per element


def fit(train, arguments, folder):
    """Write the frames, run gap_fit, load what it made."""
    from ase.io import write
    from quippy.potential import Potential

    write(folder / "train.xyz", [labelled(atoms) for atoms in train], format="extxyz")
    command = [str(Path(sys.executable).with_name("gap_fit")), *options(train, arguments.seed)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or not (folder / "gap.xml").exists():
        raise SystemExit(f"gap_fit failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return Potential("IP GAP", param_filename=str(folder / "gap.xml"))


def options(train, seed):
    """The arguments of gap_fit: labels, regularisation, and one descriptor per pair and per element."""
    counts = Counter(int(z) for atoms in train for z in atoms.numbers)
    gap = ":".join([*pair_terms(train, counts), *soap_terms(counts)])
    return [
        "atoms_filename=train.xyz",
        "gap_file=gap.xml",
        f"gap={{{gap}}}",
        f"e0={{{':'.join(f'{symbol(z)}:0.0' for z in sorted(counts))}}}",  # energies come with their zero taken off
        f"default_sigma={{{SIGMAS['energy']} {SIGMAS['forces']} {SIGMAS['virial']} 0.0}}",
        "energy_parameter_name=energy",
        "force_parameter_name=forces",
        "stress_parameter_name=stress",
        "sparse_separate_file=F",
        "do_copy_at_file=F",
        f"rnd_seed={seed + 1}",
    ]


def pair_terms(train, counts):
    """A function of the distance for each pair of elements that meets within the cutoff."""
    from ase.neighborlist import neighbor_list

    found = set()
    for atoms in train:
        i, j = neighbor_list("ij", atoms, CUTOFF)
        found |= set(zip(*(atoms.numbers[k].tolist() for k in (i, j)), strict=True))
    pairs = [pair for pair in combinations_with_replacement(sorted(counts), 2) if pair in found]
    return [f"distance_2b Z1={a} Z2={b} cutoff={CUTOFF} {DISTANCES} add_species=F" for a, b in pairs]


def soap_terms(counts):
    """A SOAP kernel for each element, with as many representative environments as the frames hold, up to a bound."""
    species = " ".join(map(str, sorted(counts)))
    return [
        f"soap cutoff={CUTOFF} {SOAP} n_species={len(counts)} species_Z={{{{{species}}}}} Z={z}"
        f" n_sparse={min(MOST_SPARSE, count)} covariance_type=dot_product sparse_method=cur_points add_species=F"
        for z, count in sorted(counts.items())
    ]


def symbol(z):
    """The element of an atomic number."""
    from ase.data import chemical_symbols

    return chemical_symbols[z]


if __name__ == "__main__":
    run(__doc__, fit)
