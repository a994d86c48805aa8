"""What the correction is: its terms, what each does to the test frames, and its energy as curves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from vesin import NeighborList

from softfix.correct import correct
from softfix.correction import Correction
from softfix.data.frames import Frame
from softfix.evaluations import Evaluation
from softfix.report.numbers import Curve, Part, Terms
from softfix.report.quantity import quantity, series
from softfix.rows import surroundings

NEIGHBOUR = 4.0  # Å within which atoms count as neighbours, to choose the pairs that matter
PAIRS = 6  # pairs of elements drawn, at most
CLOSER = 0.95  # times the shortest distance in the test frames at which a pair curve begins
FAR_APART = 40.0  # Å between the dimers of one calculation
STEPS = 80


@dataclass(frozen=True)
class Pair:
    """Two elements that are neighbours in the test frames."""

    numbers: tuple[int, int]
    count: int
    shortest: float  # Å
    typical: float  # Å, median distance to the nearest such neighbour

    @property
    def name(self) -> str:
        """Symbols with a dash."""
        from ase.data import chemical_symbols

        return "–".join(chemical_symbols[z] for z in self.numbers)


def neighbour_pairs(frames: Sequence[Frame], elements: Sequence[int]) -> list[Pair]:
    """Pairs of known elements by how often they are neighbours, the most frequent first."""
    counts: Counter = Counter()
    shortest: dict[tuple[int, int], float] = {}
    nearest: dict[tuple[int, int], list[np.ndarray]] = {}
    search = NeighborList(cutoff=NEIGHBOUR, full_list=True)
    for frame in frames:
        i, j, d = search.compute(points=frame.positions, box=frame.cell, periodic=frame.pbc, quantities="ijd")
        first, second = frame.numbers[i], frame.numbers[j]
        for a, b in {(int(x), int(y)) for x, y in zip(first, second, strict=True) if x <= y}:
            chosen = (first == a) & (second == b)
            closest = np.full(len(frame), np.inf)
            np.minimum.at(closest, i[chosen], d[chosen])
            counts[a, b] += int(chosen.sum())
            shortest[a, b] = min(shortest.get((a, b), np.inf), float(d[chosen].min()))
            nearest.setdefault((a, b), []).append(closest[np.isfinite(closest)])
    return [
        Pair(key, count, shortest[key], float(np.median(np.concatenate(nearest[key]))))
        for key, count in counts.most_common()
        if set(key) <= set(elements)
    ]


def terms(
    correction: Correction, frames: Sequence[Frame], base: Sequence[Evaluation], corrected: Sequence[Evaluation],
    pairs: Sequence[Pair], track: Callable[[Iterable], Iterable] = iter,
) -> Terms:  # fmt: skip
    """Terms of a correction with their forces on the frames whose elements it knows, and their curves."""
    record, basis, species = correction.fit, correction.basis, correction.basis.species
    forces = _forces(correction, frames, base, corrected, track)
    sizes = {
        "scale": 1,
        "pair": species * basis.pair_features,
        "three_body": species * basis.three_features,
        "many_body": species * basis.many_features,
    }
    names = {"scale": "scale (c − 1)", "pair": "pair", "three_body": "three-body", "many_body": "many-body"}
    parts = [
        Part(
            name=names[name],
            weights=quantity(size, "weights"),
            amplitude=quantity(record.amplitude_eV[name], "" if name == "scale" else "eV")
            if name in record.amplitude_eV
            else None,
            force=None if forces is None else quantity(forces[name], "eV/Å"),
        )
        for name, size in sizes.items()
        if size and name in record.terms
    ]
    std = float(np.linalg.norm(correction.covariance_root[:, 0]))
    c = 1.0 + correction.scale
    drawn = correction.weights.any()
    return Terms(
        domain=record.domain,
        scale=quantity(c, "", (c - 1.96 * std, c + 1.96 * std)),
        chosen=sorted(record.terms),
        shared=correction.shared,
        parts=parts,
        pairs=[pair_curve(correction, pair) for pair in pairs[:PAIRS]] if drawn else [],
        angles=_angles(correction, pairs) if drawn and basis.three_count else [],
        cutoff=quantity(basis.cutoff, "Å"),
    )


def _forces(
    correction: Correction, frames: Sequence[Frame], base: Sequence[Evaluation], corrected: Sequence[Evaluation],
    track: Callable[[Iterable], Iterable],
) -> dict[str, float] | None:  # fmt: skip
    """Root mean square force (eV/Å) of each term over the atoms of the frames that hold elements of the fit alone."""
    known = [i for i, frame in enumerate(frames) if np.isin(frame.numbers, correction.elements).all()]
    if not known:
        return None
    body = correction.basis.table()["body"]
    only = {
        name: replace(correction, scale=0.0, weights=np.where(body == order, correction.weights, 0.0))
        for name, order in (("pair", 2), ("three_body", 3), ("many_body", 4))
    }
    squares, components = dict.fromkeys(("scale", *only), 0.0), 0
    for i in track(known):
        rest = corrected[i].forces - base[i].forces
        for name, part in only.items():
            forces = _change(part, frames[i])
            rest = rest - forces
            squares[name] += float(np.sum(forces**2))
        squares["scale"] += float(np.sum(rest**2))
        components += rest.size
    return {name: float(np.sqrt(square / components)) for name, square in squares.items()}


def _change(correction: Correction, frame: Frame) -> np.ndarray:
    """Forces of a correction without a scale: of the frame, less those of its reference."""
    nothing = Evaluation(0.0, np.zeros((len(frame), 3)), None)
    forces = correct(correction, frame, nothing, None).forces
    return forces if frame.reference is None else forces - correct(correction, frame.reference, nothing, None).forces


def pair_curve(correction: Correction, pair: Pair) -> Curve:
    """Energy (eV) of two atoms alone by the correction's functions, its fence taken away, against distance (Å)."""
    distances = np.linspace(CLOSER * pair.shortest, correction.basis.cutoff, STEPS)
    rows = _energies(correction, pair.numbers, np.array([[[0, 0, 0], [r, 0, 0]] for r in distances]))
    return _curve(correction, pair.name, "distance", "Å", distances, rows, pair.shortest)


def _angles(correction: Correction, pairs: Sequence[Pair]) -> list[Curve]:
    """For every central element, a curve with its nearest kind of neighbours."""
    centers = list(dict.fromkeys(z for pair in pairs for z in pair.numbers))[:PAIRS]
    curves = []
    for center in centers:
        nearest = min((pair for pair in pairs if center in pair.numbers), key=lambda pair: pair.typical)
        end = nearest.numbers[1] if nearest.numbers[0] == center else nearest.numbers[0]
        curves.append(angle_curve(correction, center, end, nearest.typical))
    return curves


def angle_curve(correction: Correction, center: int, end: int, distance: float) -> Curve:
    """Three-body energy (eV) of end–center–end against the angle: the trimer less its three pairs, no fence."""
    from ase.data import chemical_symbols

    angles = np.linspace(50.0, 180.0, STEPS)
    radians = np.radians(angles)
    zero = np.zeros((STEPS, 3))
    left = zero + np.array([distance, 0.0, 0.0])
    right = distance * np.stack([np.cos(radians), np.sin(radians), 0 * radians], axis=1)
    rows = _energies(correction, (center, end, end), np.stack([zero, left, right], axis=1))
    for kinds, ends in (((center, end), (zero, left)), ((center, end), (zero, right)), ((end, end), (left, right))):
        rows = rows - _energies(correction, kinds, np.stack(ends, axis=1))
    name = f"{chemical_symbols[end]}–{chemical_symbols[center]}–{chemical_symbols[end]} at {distance:.2f} Å"
    return _curve(correction, name, "angle", "°", angles, rows, None)


def _energies(correction: Correction, numbers: tuple[int, ...], positions: np.ndarray) -> np.ndarray:
    """Rows (clusters, species x features) of the energies of clusters of atoms, positions (clusters, atoms, 3) in Å."""
    clusters, atoms, _ = positions.shape
    apart = positions + FAR_APART * np.arange(clusters)[:, None, None] * np.array([1.0, 0.0, 0.0])
    frame = Frame(np.tile(numbers, clusters), apart.reshape(-1, 3), np.zeros((3, 3)), np.zeros(3, dtype=bool))
    phi, species = surroundings(correction.basis, correction.elements, frame)
    one = np.eye(len(correction.elements))[species]
    rows = one[:, :, None] * phi[:, None, :]
    return rows.reshape(clusters, atoms, -1).sum(axis=1)


def _curve(
    correction: Correction, name: str, what: str, unit: str, x: np.ndarray, rows: np.ndarray, seen: float | None
) -> Curve:
    root = correction.covariance_root[:, 1 + len(correction.elements) :]
    std = correction.fit.calibration * np.linalg.norm(rows @ root.T, axis=1)
    return Curve(
        name=name,
        x=series(what, unit, x),
        y=series("energy", "eV", rows @ correction.weights.ravel()),
        std=series("standard deviation", "eV", std),
        seen=None if seen is None else quantity(seen, "Å"),
    )
