"""Phonons by finite displacements (phonopy): frequencies, force constants, thermal properties.

Force constants are fitted to all displaced supercells at once, from forces less those of the perfect one, with the
symmetry of the crystal, of translation and of permutation kept (symfc: Seko and Togo, Phys. Rev. B 110, 214302 (2024),
doi:10.1103/PhysRevB.110.214302). Non-analytic terms at the zone centre are left out on all sides.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from pydantic import BaseModel, ConfigDict, Field

from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.data.phonopy import phonopy_cell
from softfix.data.read import read_frames
from softfix.errors import SoftfixError
from softfix.properties.checks import require_composition
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings

IMAGINARY = -0.1  # THz; acoustic modes near the zone centre may be slightly below 0
RESIDUAL = 0.05  # eV/Å; forces of a reference far from the displaced atom
KELVIN = 300.0
REACH = 5.0  # Å; least width of a supercell where there is no correction to tell its cutoff
AVOGADRO_J = 96485.33212  # J/mol in one eV per particle (CODATA 2018)


class PhononSettings(BaseModel):
    """How phonons are computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    supercell: tuple[int, int, int] | None = Field(None, description="Repeats of the structure; else by width.")
    width: float = Field(10.0, gt=0, description="Least width of the supercell, Å, where its repeats are not given.")
    distance: float = Field(0.03, gt=0, description="Displacement, Å; CHGNet is not smooth enough for 0.01.")
    mesh: float = Field(50.0, gt=0, description="Density of the mesh of wave vectors, as a length in Å.")
    path: int = Field(120, ge=2, description="Wave vectors along the path of the bands.")
    relaxation: RelaxationSettings = RelaxationSettings(force=0.002)


def measure(problem: Problem, potential: Potential) -> Findings:
    """Phonons of a potential: of its own relaxed cell, or of the supercells of the reference."""
    notes = []
    if problem.reference is None:
        perfect = _supercell(problem, potential)
        moves = symmetric_displacements(perfect, problem.settings.distance)
    else:
        frames = reference_frames(problem)
        perfect = atoms_of(frames[0].reference)  # type: ignore[arg-type]  # phonopy's frames have one
        moves = np.array([frame.positions - perfect.positions for frame in frames])
        notes.append("The geometry is that of the reference; forces of the perfect supercell are subtracted.")
        notes += _narrow(perfect, potential.cutoff)
    displaced = [Atoms(perfect.numbers, perfect.positions + move, cell=perfect.cell, pbc=True) for move in moves]
    first, *others = potential.evaluations([perfect, *displaced])
    forces = np.array([evaluation.forces - first.forces for evaluation in others])
    found = analyse(perfect, moves, forces, problem.settings)
    return Findings(found.values, found.drawings, notes + found.notes, found.arrays)


def read_reference(problem: Problem) -> Findings | None:
    """Phonons of the forces in FORCE_SETS or phonopy_params.yaml."""
    if problem.reference is None:
        return None
    frames = reference_frames(problem)
    perfect = atoms_of(frames[0].reference)  # type: ignore[arg-type]
    moves = np.array([frame.positions - perfect.positions for frame in frames])
    forces = np.array([frame.forces for frame in frames])
    _require_relaxed(perfect, moves, forces, frames[0].source)
    return analyse(perfect, moves, forces, problem.settings)


def compare(own: Findings, reference: Findings) -> list[Value]:
    """Ratios of frequencies and slopes through the origin, own against reference."""
    one, other = own.arrays, reference.arrays
    values = [
        Value("max frequency ratio", "", _ratio(one["frequencies"].max(), other["frequencies"].max())),
        Value("mean frequency ratio", "", _ratio(one["frequencies"].mean(), other["frequencies"].mean())),
        Value("force-constant slope", "", _slope(other["force_constants"], one["force_constants"])),
    ]
    error = np.sqrt(np.mean((one["frequencies"] - other["frequencies"]) ** 2))
    return [*values, Value("frequency error (rms)", "THz", float(error))]


def analyse(perfect: Atoms, moves: np.ndarray, forces: np.ndarray, settings: PhononSettings) -> Findings:
    """From displacements and forces to everything that harmonic theory gives.

    Args:
        perfect: supercell, Å.
        moves: (supercells, atoms, 3) displacements, Å.
        forces: (supercells, atoms, 3) eV/Å.
        settings: of the meshes.
    """
    phonon = fitted(perfect, moves, forces)
    frequencies, weights = _mesh(phonon, settings.mesh)
    share = 100.0 * float(np.average(frequencies < IMAGINARY, axis=0, weights=weights).mean())
    values = [
        Value("max frequency", "THz", float(frequencies.max())),
        Value("mean frequency", "THz", float(np.average(frequencies, axis=0, weights=weights).mean())),
        Value("lowest frequency", "THz", float(frequencies.min())),
        Value("imaginary modes", "%", share),
        *_thermal_values(phonon),
    ]
    notes = [f"{share:.2g} % of the modes are imaginary; thermal properties leave them out."] if share else []
    every = np.repeat(frequencies, weights, axis=0)
    arrays = {"frequencies": every, "force_constants": np.asarray(phonon.force_constants)}
    return Findings(values, [_bands(phonon, settings.path), _dos(phonon), _heat_capacity(phonon)], notes, arrays)


def reference_frames(problem: Problem) -> list[Frame]:
    """Displaced supercells of the reference, of the composition of the structure."""
    frames = _read(problem.reference)
    if frames[0].reference is None:
        raise SoftfixError(
            f"{problem.reference} is no phonopy data set: give phonopy_params.yaml, or FORCE_SETS with its yaml beside "
            "it."
        )
    require_composition(problem.structures[0], frames[0].reference, problem.reference)
    return frames


@lru_cache(maxsize=1)
def _read(path: Path) -> list[Frame]:
    return read_frames(path)


def _supercell(problem: Problem, potential: Potential) -> Atoms:
    """Relaxed structure, repeated."""
    settings, least = problem.settings, potential.cutoff or REACH
    (cell,) = potential.relaxed([problem.atoms], settings.relaxation)
    repeats = settings.supercell or tuple(int(np.ceil(settings.width / w)) for w in widths(cell))
    perfect = cell * repeats
    if min(widths(perfect)) < least:
        enough = tuple(int(np.ceil(least / w)) for w in widths(cell))
        raise SoftfixError(
            f"{problem.structures[0].source}: a supercell of {' x '.join(map(str, repeats))} is "
            f"{min(widths(perfect)):.1f} Å wide, less than the cutoff of {least:g} Å, so that displaced atoms would "
            f"meet their own images: give at least supercell = {list(enough)} in the settings."
        )
    return perfect


def symmetric_displacements(perfect: Atoms, distance: float) -> np.ndarray:
    """(supercells, atoms, 3) displacements in Å of the atoms and directions that symmetry leaves."""
    phonon = _phonopy(perfect)
    phonon.generate_displacements(distance=distance)
    single = phonon.dataset
    moves = np.zeros((len(single["first_atoms"]), len(perfect), 3))
    for move, one in zip(moves, single["first_atoms"], strict=True):
        move[one["number"]] = one["displacement"]
    return moves


def _narrow(perfect: Atoms, cutoff: float) -> list[str]:
    width = min(widths(perfect))
    if width >= cutoff:
        return []
    return [f"The supercell of the reference is {width:.1f} Å wide, less than the correction's cutoff of {cutoff:g} Å."]


def widths(atoms: Atoms) -> np.ndarray:
    """Distances between opposite faces of the cell, Å."""
    return atoms.cell.volume / atoms.cell.areas()


def _require_relaxed(perfect: Atoms, moves: np.ndarray, forces: np.ndarray, source: str) -> None:
    """Refuse a reference whose atoms feel forces even where nothing was moved.

    Only single displacements tell: there the forces far from the moved atom are those of the perfect supercell.
    """
    worst, where = 0.0, 0
    for move, force in zip(moves, forces, strict=True):
        moved = np.flatnonzero(np.abs(move).max(axis=1) > 0)
        if len(moved) != 1:
            return
        far = int(np.argmax(perfect.get_distances(int(moved[0]), range(len(perfect)), mic=True)))
        if (size := float(np.linalg.norm(force[far]))) > worst:
            worst, where = size, far
    if worst > RESIDUAL:
        raise SoftfixError(
            f"{source}: atom {where} (counted from 0) feels {worst:.2f} eV/Å far from the displaced atom, more than "
            f"{RESIDUAL}: the reference was not relaxed; relax it with its code and displace again, or subtract the "
            "residual forces (phonopy --fz)."
        )


def fitted(perfect: Atoms, moves: np.ndarray, forces: np.ndarray, primitive: Any = "auto") -> Any:
    """Phonopy with the force constants of its primitive cell, fitted to all displacements (Å) and forces (eV/Å)."""
    phonon = _phonopy(perfect, primitive)
    phonon.dataset = {"displacements": moves, "forces": forces}
    phonon.produce_force_constants(fc_calculator="symfc", calculate_full_force_constants=False)
    return phonon


def _phonopy(perfect: Atoms, primitive: Any = "auto") -> Any:
    """The supercell as phonopy sees it; the primitive cell is found by symmetry unless it is given."""
    from phonopy import Phonopy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # phonopy explains its defaults, which are given here
        return Phonopy(phonopy_cell(perfect), np.eye(3, dtype=int), primitive_matrix=primitive, log_level=0)


def _mesh(phonon: Any, density: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (wave vectors, bands) in THz and weights of the wave vectors; imaginary ones are negative."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        phonon.run_mesh(density)
    mesh = phonon.mesh
    return mesh.frequencies, mesh.weights


def _thermal_values(phonon: Any) -> list[Value]:
    """Harmonic free energy, entropy and heat capacity at 300 K, per atom."""
    phonon.run_thermal_properties(temperatures=[0.0, KELVIN], exclude_gamma_acoustic=True)
    found, atoms = phonon.thermal_properties, len(phonon.primitive)
    free = found.free_energy / atoms * 1e6 / AVOGADRO_J  # kJ/mol to meV
    return [
        Value("zero-point energy", "meV/atom", float(free[0])),
        Value("vibrational free energy at 300 K", "meV/atom", float(free[1])),
        Value("vibrational entropy at 300 K", "J/(K mol)", float(found.entropy[1]) / atoms),
        Value("heat capacity at 300 K", "J/(K mol)", float(found.heat_capacity[1]) / atoms),
    ]


def _bands(phonon: Any, points: int) -> Drawing:
    """Bands along ASE's path of the Bravais lattice (Setyawan and Curtarolo, doi:10.1016/j.commatsci.2010.05.010)."""
    path = Atoms(cell=phonon.primitive.cell, pbc=True).cell.bandpath(npoints=points)
    x, ticks, labels = path.get_linear_kpoint_axis()
    phonon.run_qpoints(path.kpts)
    frequencies = phonon.qpoints.frequencies
    names = [label.replace("G", "Γ") for label in labels]
    lines = [(x, band) for band in frequencies.T]
    return Drawing("bands", "", "frequency, THz", lines, ticks=list(zip(map(float, ticks), names, strict=True)))


def _dos(phonon: Any) -> Drawing:
    phonon.run_total_dos()
    found = phonon.total_dos
    line = (found.frequency_points, found.dos / len(phonon.primitive))
    return Drawing("dos", "frequency, THz", "density of states, 1/(THz atom)", [line])


def _heat_capacity(phonon: Any) -> Drawing:
    phonon.run_thermal_properties(t_min=0, t_max=1000, t_step=20, exclude_gamma_acoustic=True)
    found = phonon.thermal_properties
    line = (found.temperatures, found.heat_capacity / len(phonon.primitive))
    return Drawing("heat-capacity", "temperature, K", "heat capacity, J/(K mol)", [line])


def _ratio(own: Any, reference: Any) -> float:
    return float(own / reference)


def _slope(reference: np.ndarray, own: np.ndarray) -> float:
    return float(np.sum(reference * own) / np.sum(reference**2))


PROPERTY = Property(
    "phonons",
    "Phonons",
    PhononSettings,
    measure,
    read_reference,
    compare,
    quick={"width": 6.5, "mesh": 20.0, "path": 90},
)
