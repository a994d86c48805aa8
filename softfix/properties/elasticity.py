"""Elastic tensor from stresses of strained cells, with the symmetry of the crystal kept.

The tensor is the least-squares solution, within the tensors that the point group (spglib) allows, of stress against
strain; only as many strains are applied as determine it. Atoms relax at every strain. A base that is known to lack
stiffness against shear in all crystals alike has calibrated moduli beside its own.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from ase import Atoms, units
from pydantic import BaseModel, ConfigDict, Field

from softfix.errors import SoftfixError
from softfix.properties.checks import read_values
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings
from softfix.properties.stiffness import Lacking, hill, lacking, stiffened
from softfix.properties.symmetry import symmetry_of

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
PLACE = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])  # Voigt index of a pair of axes
MEANS = ("bulk modulus (Hill)", "shear modulus (Hill)", "Young's modulus (Hill)", "smallest eigenvalue")
CALIBRATED = ("calibrated bulk modulus (Hill)", "calibrated shear modulus (Hill)")
UNITS = {
    **dict.fromkeys(MEANS, "GPa"),
    "Poisson's ratio (Hill)": "",
    **{f"C{i + 1}{j + 1}": "GPa" for i in range(6) for j in range(i, 6)},
}
ZERO = 1e-6  # of the largest entry: what symmetry forbids


class ElasticitySettings(BaseModel):
    """How an elastic tensor is computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strain: float = Field(0.005, gt=0, lt=0.05, description="Strain, to both sides.")
    symprec: float = Field(1e-3, gt=0, description="Tolerance of the symmetry, Å.")
    relaxation: RelaxationSettings = RelaxationSettings(force=0.001)


def measure(problem: Problem, potential: Potential) -> Findings:
    """Elastic tensor of a potential at its own minimum."""
    settings = problem.settings
    (start,) = potential.relaxed([problem.atoms], settings.relaxation)
    basis = symmetric_tensors(point_group(start, settings.symprec))
    directions = determining_strains(basis)
    strains = [sign * settings.strain * np.eye(6)[j] for j in directions for sign in (1.0, -1.0)]
    strained = [_strained(start, strain) for strain in strains]
    relaxed = potential.relaxed(strained, settings.relaxation, cell="fixed", symmetric=False)
    stresses = [evaluation.stress for evaluation in potential.evaluations(relaxed)]
    if any(stress is None for stress in stresses):
        raise SoftfixError(
            f"Base {potential.base.identity.spec} gives no stress, without which there is no elasticity."
        )
    found = np.array(stresses).reshape(len(directions), 2, 6)
    slopes = (found[:, 0] - found[:, 1]) / (2.0 * settings.strain)
    C = solve(basis, directions, slopes) / units.GPa
    known = lacking(potential.base.identity) if potential.correction is None else None
    return findings_of(C) if known is None else _calibrated(findings_of(C), C, known)


def read_reference(problem: Problem) -> Findings | None:
    """Values in GPa from a JSON file; C11, C12, ... are in the axes of the structure."""
    if problem.reference is None:
        return None
    values = read_values(problem.reference, UNITS)
    return Findings([Value(name, UNITS[name], value) for name, value in values.items()])


def findings_of(C: np.ndarray) -> Findings:
    """Averages, stability and entries of a tensor (6, 6) in GPa."""
    bulk, shear = hill(C)
    young, least = 9.0 * bulk * shear / (3.0 * bulk + shear), float(np.linalg.eigvalsh(C)[0])
    values = [Value(name, "GPa", float(n)) for name, n in zip(MEANS, (bulk, shear, young, least), strict=True)]
    values.append(Value("Poisson's ratio (Hill)", "", float(young / (2.0 * shear) - 1.0)))
    entries = [(i, j) for i in range(6) for j in range(i, 6) if abs(C[i, j]) > ZERO * np.abs(C).max()]
    values += [Value(f"C{i + 1}{j + 1}", "GPa", float(C[i, j])) for i, j in entries]
    curve = _directional(np.linalg.inv(C))
    drawing = Drawing("young-modulus", "polar angle in the xz plane, °", "Young's modulus, GPa", [curve])
    notes = (
        [] if least > 0 else [f"The crystal is mechanically unstable: an eigenvalue of its tensor is {least:.1f} GPa."]
    )
    return Findings(values, [drawing], notes, {"C": C})


def _calibrated(own: Findings, C: np.ndarray, known: Lacking) -> Findings:
    """Findings of a base with its calibrated moduli and how far they can be trusted."""
    values = [Value(name, "GPa", float(n)) for name, n in zip(CALIBRATED, hill(stiffened(C, known.share)), strict=True)]
    note = (
        f"Every shear modulus of this base lacks {known.share:.2f} of the bulk modulus, as {known.materials} crystals "
        f"say; with that added, moduli of other crystals were wrong by {known.bulk_error_GPa:.1f} (bulk) and "
        f"{known.shear_error_GPa:.1f} GPa (shear) in the mean."
    )
    return replace(own, values=own.values + values, notes=[*own.notes, note])


def point_group(atoms: Atoms, symprec: float) -> np.ndarray:
    """(operations, 3, 3) Cartesian rotations of the point group."""
    rotations = symmetry_of(atoms, symprec).symmetry_operations["rotations"]
    columns = atoms.cell.array.T
    return np.unique(np.round(columns @ rotations @ np.linalg.inv(columns), 10), axis=0)


def symmetric_tensors(rotations: np.ndarray) -> np.ndarray:
    """(constants, 6, 6) orthonormal basis of the elastic tensors that a point group allows."""
    pairs = [(i, j) for i in range(6) for j in range(i, 6)]
    units_ = np.zeros((len(pairs), 6, 6))
    for tensor, (i, j) in zip(units_, pairs, strict=True):
        tensor[i, j] = tensor[j, i] = 1.0
    projected = np.array([_averaged(tensor, rotations) for tensor in units_]).reshape(len(pairs), 36)
    _, sizes, vectors = np.linalg.svd(projected)
    return vectors[: int(np.sum(sizes > 1e-8 * sizes[0]))].reshape(-1, 6, 6)


def determining_strains(basis: np.ndarray) -> list[int]:
    """Fewest first Voigt strains whose stresses determine all constants."""
    chosen: list[int] = []
    rank = 0
    for j in range(6):
        columns = basis[:, :, [*chosen, j]].reshape(len(basis), -1)
        if (new := np.linalg.matrix_rank(columns, tol=1e-8)) > rank:
            chosen, rank = [*chosen, j], new
    return chosen


def solve(basis: np.ndarray, directions: list[int], slopes: np.ndarray) -> np.ndarray:
    """Tensor (6, 6) whose columns are nearest to d stress / d strain (directions, 6)."""
    design = basis[:, :, directions].transpose(2, 1, 0).reshape(-1, len(basis))
    constants = np.linalg.lstsq(design, slopes.reshape(-1), rcond=None)[0]
    return np.tensordot(constants, basis, 1)


def _averaged(C: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Mean of a tensor over all rotations."""
    full = C[PLACE[:, :, None, None], PLACE[None, None]]
    turned = np.einsum("gia,gjb,gkc,gld,abcd->ijkl", *(rotations,) * 4, full, optimize=True) / len(rotations)
    return np.array([turned[(*a, *b)] for a, b in product(VOIGT, VOIGT)]).reshape(6, 6)


def _strained(atoms: Atoms, strain: np.ndarray) -> Atoms:
    """A copy under a Voigt strain; shears count twice, as engineers have it."""
    xx, yy, zz, yz, xz, xy = strain
    change = np.array([[xx, xy / 2, xz / 2], [xy / 2, yy, yz / 2], [xz / 2, yz / 2, zz]])
    moved = atoms.copy()
    moved.set_cell(atoms.cell.array @ (np.eye(3) + change), scale_atoms=True)
    return moved


def _directional(S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Young's modulus along directions in the xz plane, 0° being z."""
    angle = np.linspace(0.0, 180.0, 91)
    n = np.stack([np.sin(np.radians(angle)), np.zeros_like(angle), np.cos(np.radians(angle))], axis=1)
    load = np.stack([n[:, i] * n[:, j] for i, j in VOIGT], axis=1)  # stress of a unit pull, Voigt
    return angle, 1.0 / np.einsum("ni,ij,nj->n", load, S, load)


PROPERTY = Property(
    "elasticity",
    "Elasticity",
    ElasticitySettings,
    measure,
    read_reference,
    quick={"relaxation": {"force": 0.01}},
)
