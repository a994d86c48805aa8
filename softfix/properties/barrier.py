"""Barriers between two minima: static images and a relaxed path.

Static: energies of images as they are given, or interpolated (IDPP) between two ends. Relaxed: nudged elastic band
with the improved tangent and a climbing image (Henkelman, Uberuaga and Jonsson, J. Chem. Phys. 113, 9901 (2000),
doi:10.1063/1.1329672) by ASE. The kinetically resolved barrier is E_top - (E_first + E_last) / 2 (Van der Ven et al.,
Phys. Rev. B 64, 184307 (2001), doi:10.1103/PhysRevB.64.184307).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.mep import NEB
from ase.optimize import FIRE
from pydantic import BaseModel, ConfigDict, Field

from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.data.read import read_frames
from softfix.errors import SoftfixError
from softfix.properties.checks import require_composition, require_same_atoms
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.potential import Potential, geometry
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings
from softfix.properties.steps import digest


class BarrierSettings(BaseModel):
    """How barriers are computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(5, ge=1, description="Images between two ends, where only the ends are given.")
    relax: bool = Field(True, description="Relax the path too; its ends relax first, in their cell.")
    force: float = Field(0.05, gt=0, description="Largest force across the path at its end, eV/Å.")
    steps: int = Field(300, ge=1, description="Most steps of the path.")
    relaxation: RelaxationSettings = RelaxationSettings(force=0.02)


def measure(problem: Problem, potential: Potential) -> Findings:
    """Barriers of a potential along the static path, and along its own."""
    settings = problem.settings
    static = _path(problem.structures, settings.images)
    found = findings_of(potential.energies(static), "static")
    if not settings.relax:
        return found
    ends = potential.relaxed([static[0], static[-1]], settings.relaxation, cell="fixed", symmetric=False)
    start = [ends[0], *(atoms.copy() for atoms in static[1:-1]), ends[1]]
    relaxed = findings_of(_relaxed_path(start, potential, settings), "relaxed")
    return Findings(found.values + relaxed.values, found.drawings + relaxed.drawings, arrays=found.arrays)


def read_reference(problem: Problem) -> Findings | None:
    """Energies of labelled images: of the reference file, or of the structures if all have one."""
    frames = read_frames(problem.reference) if problem.reference else list(problem.structures)
    if len(frames) < 3 or any(frame.energy is None for frame in frames):
        if problem.reference is None:
            return None
        raise SoftfixError(f"{problem.reference} should hold three or more images of the path, all with an energy.")
    require_composition(problem.structures[0], frames[0], problem.reference)
    return findings_of(np.array([float(frame.energy or 0.0) for frame in frames]), "static")


def compare(own: Findings, reference: Findings) -> list[Value]:
    """Error of the static path image by image, where both have the same number of images."""
    mine, other = own.arrays["static"], reference.arrays["static"]
    if len(mine) != len(other):
        return []
    return [Value("static path, energy MAE", "meV", 1000.0 * float(np.abs(mine - other).mean()))]


def findings_of(energies: np.ndarray, kind: str) -> Findings:
    """Barriers of a path of images (eV)."""
    top, first, last = energies.max(), energies[0], energies[-1]
    values = [
        Value(f"{kind} barrier forward", "eV", float(top - first)),
        Value(f"{kind} barrier backward", "eV", float(top - last)),
        Value(f"{kind} kinetically resolved barrier", "eV", float(top - 0.5 * (first + last))),
        Value(f"{kind} end above start", "eV", float(last - first)),
    ]
    place = np.linspace(0.0, 1.0, len(energies))
    line = (place, energies - first)
    drawing = Drawing(f"{kind}-path", "path", "energy above its start, eV", [line], "points and line")
    return Findings(values, [drawing], arrays={kind: energies - first})


def _path(frames: Sequence[Frame], images: int) -> list[Atoms]:
    """The images given, or interpolated between two."""
    if len(frames) < 2:
        raise SoftfixError(f"{frames[0].source}: a barrier needs the two ends of a path, or all its images.")
    require_same_atoms(frames)
    ends = [atoms_of(frame) for frame in frames]
    if len(ends) > 2:
        return ends
    path = [ends[0], *(ends[0].copy() for _ in range(images)), ends[1]]
    NEB(path, method="improvedtangent").interpolate(method="idpp", mic=True)
    return path


def _relaxed_path(start: list[Atoms], potential: Potential, settings: BarrierSettings) -> np.ndarray:
    """Energies of the relaxed images in eV; kept on disk."""
    hashes = [geometry(atoms).content_hash for atoms in start]
    key = digest(potential.key, "band", hashes, settings.force, settings.steps)
    return np.array(potential.steps.get(key, lambda: _band(start, potential.calculator, settings)))


def _band(start: list[Atoms], calculator: Any, settings: BarrierSettings) -> list[float]:
    images = [atoms.copy() for atoms in start]
    for atoms in images:
        atoms.calc = calculator
    band = NEB(images, climb=True, method="improvedtangent", allow_shared_calculator=True)
    optimiser = FIRE(band, logfile=None)  # type: ignore[arg-type]  # None is silence
    if not optimiser.run(fmax=settings.force, steps=settings.steps):
        raise SoftfixError(
            f"The path of {images[0].get_chemical_formula()} did not relax in {settings.steps} steps (largest force "
            f"{np.linalg.norm(band.get_forces(), axis=1).max():.3g} eV/Å): raise steps or force in the settings."
        )
    return [float(atoms.get_potential_energy(force_consistent=True)) for atoms in images]


PROPERTY = Property(
    "barrier",
    "Migration barrier",
    BarrierSettings,
    measure,
    read_reference,
    compare,
    structures="several",
    quick={"images": 3, "force": 0.1, "relaxation": {"force": 0.05}},
)
