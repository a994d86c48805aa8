"""Elastic tensor from stresses of strained cells, with the symmetry of the crystal kept.

The tensor is the least-squares solution, within the tensors that the point group (spglib) allows, of stress against
strain; only as many strains are applied as determine it. Atoms relax at every strain. Averages after Hill, Proc. Phys.
Soc. A 65, 349 (1952), doi:10.1088/0370-1298/65/5/307.
"""

from __future__ import annotations

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
from softfix.properties.symmetry import symmetry_of

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
PLACE = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])  # Voigt index of a pair of axes
MEANS = ("bulk modulus (Hill)", "shear modulus (Hill)", "Young's modulus (Hill)", "smallest eigenvalue")
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
    return findings_of(solve(basis, directions, slopes) / units.GPa)


def read_reference(problem: Problem) -> Findings | None:
    """Values in GPa from a JSON file; C11, C12, ... are in the axes of the structure."""
    if problem.reference is None:
        return None
    values = read_values(problem.reference, UNITS)
    return Findings([Value(name, UNITS[name], value) for name, value in values.items()])


def findings_of(C: np.ndarray) -> Findings:
    """Averages, stability and entries of a tensor (6, 6) in GPa."""
    S = np.linalg.inv(C)
    bulk = 0.5 * (C[:3, :3].sum() / 9.0 + 1.0 / S[:3, :3].sum())
    voigt = (np.trace(C[:3, :3]) - (C[0, 1] + C[0, 2] + C[1, 2]) + 3.0 * np.trace(C[3:, 3:])) / 15.0
    compliance = 4.0 * np.trace(S[:3, :3]) - 4.0 * (S[0, 1] + S[0, 2] + S[1, 2]) + 3.0 * np.trace(S[3:, 3:])
    shear = 0.5 * (voigt + 15.0 / compliance)
    young, least = 9.0 * bulk * shear / (3.0 * bulk + shear), float(np.linalg.eigvalsh(C)[0])
    values = [Value(name, "GPa", float(n)) for name, n in zip(MEANS, (bulk, shear, young, least), strict=True)]
    values.append(Value("Poisson's ratio (Hill)", "", float(young / (2.0 * shear) - 1.0)))
    entries = [(i, j) for i in range(6) for j in range(i, 6) if abs(C[i, j]) > ZERO * np.abs(C).max()]
    values += [Value(f"C{i + 1}{j + 1}", "GPa", float(C[i, j])) for i, j in entries]
    drawing = Drawing("young-modulus", "polar angle in the xz plane, °", "Young's modulus, GPa", [_directional(S)])
    notes = (
        [] if least > 0 else [f"The crystal is mechanically unstable: an eigenvalue of its tensor is {least:.1f} GPa."]
    )
    return Findings(values, [drawing], notes)


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
