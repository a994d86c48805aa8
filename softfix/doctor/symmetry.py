"""Forces must add up to zero and keep the symmetry of the structure."""

from __future__ import annotations

import numpy as np

from softfix.data.frames import Frame
from softfix.doctor.finding import Finding, finding
from softfix.doctor.subject import Subject

NET = 0.02  # eV/Å: net force over the square root of the number of atoms; grid errors stay below
CERTAIN_NET = 0.2  # eV/Å
SYMPREC = 1e-4  # Å
ASYMMETRY = 0.02  # eV/Å: converged forces keep the symmetry better
RELATIVE = 0.03  # of the root-mean-square force
MOST_ATOMS = 400
MOST_OPERATIONS = 192


def net_forces(subject: Subject) -> list[Finding]:
    """Sum of forces (eV/Å) in periodic frames: momentum is conserved, so it vanishes."""
    found = []
    for frame in subject.frames:
        if frame.forces is None:
            continue
        net = float(np.linalg.norm(frame.forces.sum(axis=0)) / np.sqrt(len(frame)))
        if net > NET:
            found.append((net, frame))
    if not found:
        return []
    worst = max(net for net, _ in found)
    return [
        finding(
            "net-force", "certain" if worst > CERTAIN_NET else "likely",
            f"The forces of {len(found)} of {len(subject.frames)} frames do not add up to zero.",
            [frame for _, frame in found],
            "Take out the drift, converge the calculation, or restore the forces of atoms that were held fixed.",
            [("largest_net_force_over_root_atoms", worst, "eV/Å"), ("limit", NET, "eV/Å")],
        )
    ]  # fmt: skip


def broken_symmetry(subject: Subject) -> list[Finding]:
    """Forces that the symmetry of the site forbids: larger than `ASYMMETRY` after the drift is taken out."""
    found = []
    for frame in subject.frames:
        if frame.forces is None or not frame.pbc.all() or not 1 < len(frame) <= MOST_ATOMS:
            continue
        forbidden = forbidden_forces(frame, frame.forces)
        limit = max(ASYMMETRY, RELATIVE * float(np.sqrt((frame.forces**2).mean())))
        if (largest := float(np.linalg.norm(forbidden, axis=1).max())) > limit:
            found.append((largest, frame))
    if not found:
        return []
    return [
        finding(
            "symmetry", "likely", f"{len(found)} frames have forces that the symmetry of their sites forbids.",
            [frame for _, frame in found],
            "Check convergence, k-points and that forces belong to these positions; magnetic or orbital order that "
            "lowers the symmetry is the harmless explanation.",
            [("largest_forbidden_force", max(size for size, _ in found), "eV/Å"), ("limit", ASYMMETRY, "eV/Å")],
        )
    ]  # fmt: skip


def forbidden_forces(frame: Frame, forces: np.ndarray) -> np.ndarray:
    """Forces minus their mean over symmetry operations of the structure, (atoms, 3) eV/Å, without the drift."""
    forces = forces - forces.mean(axis=0)
    fractional = np.linalg.solve(frame.cell.T, frame.positions.T).T
    total, counted = np.zeros_like(forces), 0
    for rotation, translation in operations(frame):
        target = _images(frame, fractional, fractional @ rotation.T + translation)
        if target is None:
            continue
        cartesian = frame.cell.T @ rotation @ np.linalg.inv(frame.cell.T)
        total[target] += forces @ cartesian.T
        counted += 1
    return forces - total / counted if counted else np.zeros_like(forces)


def operations(frame: Frame) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rotations (3, 3) and translations (3,), fractional; at most `MOST_OPERATIONS`, evenly out of all.

    The mean over any of them leaves symmetric forces as they are. Empty where there are none beyond the identity.
    """
    from phonopy.structure.atoms import PhonopyAtoms
    from phonopy.structure.symmetry import Symmetry
    from spglib.error import SpglibError

    fractional = np.linalg.solve(frame.cell.T, frame.positions.T).T
    cell = PhonopyAtoms(numbers=frame.numbers, scaled_positions=fractional, cell=frame.cell)
    try:
        found = Symmetry(cell, symprec=SYMPREC).symmetry_operations
    except SpglibError:
        return []  # spglib cannot tell the symmetry, so nothing can be said about what it forbids
    every = list(zip(found["rotations"], found["translations"], strict=True))
    chosen = np.unique(np.linspace(0, len(every) - 1, min(MOST_OPERATIONS, len(every))).astype(int))
    return [every[i] for i in chosen] if len(every) > 1 else []


def _images(frame: Frame, fractional: np.ndarray, moved: np.ndarray) -> np.ndarray | None:
    """Which atom each one is moved onto; None where the map is not one to one."""
    apart = moved[:, None] - fractional[None]
    apart -= np.round(apart)
    distance = np.linalg.norm(apart @ frame.cell, axis=2)
    distance[frame.numbers[:, None] != frame.numbers[None]] = np.inf
    target = distance.argmin(axis=1)
    return target if len(set(target.tolist())) == len(target) else None
