"""Unit, sign and order of stresses: against a base, or against the work between near frames."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from softfix.core.robust import explained, least_absolute
from softfix.doctor.finding import Finding, Sure, finding
from softfix.doctor.subject import Subject
from softfix.measure import GPA

UNITS = {"eV/Å^3": 1.0, "eV/Å^3 of the other sign": -1.0, "GPa": GPA, "GPa of the other sign": -GPA,
         "kbar": 10 * GPA, "kbar of the other sign": -10 * GPA}  # fmt: skip  # label over stress
NEAREST = np.log(4.0)  # how far a ratio may be from that of a unit
PAIRS = 5
TRUST = 0.5  # share of the stresses (or of the work of strain) that must be explained
HUGE = 10.0  # eV/Å^3 (1600 GPa): beyond the pressures of experiment and of most calculations
SHEAR = 5e-4  # eV/Å^3, mean shear from which its order can be told
ORDERS: dict[tuple[int, ...], str] = {
    (3, 4, 5): "yz xz xy",
    (4, 5, 3): "xy yz xz (VASP)",
    (5, 4, 3): "xy xz yz",
    (3, 5, 4): "yz xy xz",
    (4, 3, 5): "xz yz xy",
    (5, 3, 4): "xz xy yz",
}  # label[order] = stress[3:]


def stress_units(subject: Subject) -> list[Finding]:
    """Stresses in GPa or kbar, of the other sign, or not divided by the volume."""
    if all(frame.stress is None for frame in subject.frames):
        return []
    found = _against_base(subject) or _against_work(subject)
    if found is None:
        return _magnitude(subject)
    ratio, share, how = found
    name = _unit(ratio, subject)
    if name == "eV/Å^3":
        return []
    sure: Sure = "certain" if share > 0.75 and name != "?" else "likely"
    reading = f"fit as {name}, not as eV/Å^3" if name != "?" else "have a size that fits no unit"
    return [
        finding(
            "stress-units", sure, f"The stresses {reading} with tension positive.", _stressed(subject),
            "Convert them to eV/Å^3, tension positive (1 eV/Å^3 is 160.218 GPa; VASP prints kbar of the other sign).",
            [(how, ratio, ""), ("explained", share, "")],
        )
    ]  # fmt: skip


def _stressed(subject: Subject) -> list:
    return [frame for frame in subject.frames if frame.stress is not None and frame.volume > 0.0]


def _unit(ratio: float, subject: Subject) -> str:
    distances = {name: abs(np.log(ratio / unit)) if ratio / unit > 0.0 else np.inf for name, unit in UNITS.items()}
    volume = float(np.median([frame.volume for frame in _stressed(subject)]))
    best = min(distances, key=lambda name: distances[name])
    names = [best] if distances[best] < NEAREST else []
    if "eV/Å^3" not in best and abs(np.log(abs(ratio) / volume)) < np.log(2.0):
        names.append("virials in eV" if ratio < 0 else "minus virials in eV")
    return " or ".join(names) or "?"


def _against_base(subject: Subject) -> tuple[float, float, str] | None:
    """Ratio of label to base stress, with a pressure offset between codes, and what it explains."""
    index, label, base = subject.stresses()
    if len(label) < 2:
        return None
    ratio, share = _ratio(label[:, :3].ravel(), base[:, :3].ravel())
    volumes = np.array([frame.volume for frame in subject.named(index)])
    if np.ptp(volumes) > 0.1 * volumes.mean():
        virial, its_share = _ratio((label[:, :3] / volumes[:, None]).ravel(), base[:, :3].ravel())
        if its_share > max(share + 0.05, TRUST):
            return virial * float(np.median(volumes)), its_share, "label_over_base"
    return (ratio, share, "label_over_base") if share > TRUST and ratio != 0.0 else None


def _ratio(y: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """Slope of y on x with an offset, and the share of y that it explains."""
    slope, offset = least_absolute(np.column_stack([x, np.ones_like(x)]), y)
    return float(slope), explained(y - np.median(y), y - slope * x - offset)


def _against_work(subject: Subject) -> tuple[float, float, str] | None:
    """1 over the slope of dE + F.dR on V stress:strain between near frames of different cells."""
    pairs = subject.pairs
    chosen = pairs.strained & np.isfinite(pairs.strain_work)
    if chosen.sum() < PAIRS:
        return None
    scale = pairs.atoms[chosen] * pairs.step[chosen] ** 2
    y = (pairs.energy - pairs.work)[chosen] / scale
    x = pairs.strain_work[chosen] / scale
    slope, curvature = least_absolute(np.column_stack([x, np.ones_like(x)]), y)
    share = explained(y - curvature, y - slope * x - curvature)
    return (float(1.0 / slope), share, "strain_work_over_energy") if share > TRUST and slope != 0.0 else None


def _magnitude(subject: Subject) -> list[Finding]:
    sizes = [float(np.abs(frame.stress).max()) for frame in subject.frames if frame.stress is not None]
    if not sizes or np.median(sizes) < HUGE:
        return []
    return [
        finding(
            "stress-units", "possible", "The stresses are larger than matter bears: they may be in GPa or kbar.",
            _stressed(subject), "Check the unit; give a base (--base) to have it told.",
            [("median_largest_component", float(np.median(sizes)), "eV/Å^3")],
        )
    ]  # fmt: skip


def shear_order(subject: Subject) -> list[Finding]:
    """Shears in another order than yz xz xy, told by which order follows the base's."""
    _, label, base = subject.stresses()
    if len(label) < 3:
        return []
    size = np.abs(base[:, 3:]).max(axis=1)
    chosen = size > SHEAR
    if chosen.sum() < 3:
        return []
    weight = 1.0 / np.sqrt(size[chosen, None])  # no single frame decides
    scores = {
        order: abs(_cosine(label[chosen][:, order] * weight, base[chosen, 3:] * weight))
        for order in permutations((3, 4, 5))
    }
    best = max(scores, key=lambda order: scores[order])
    given = scores[(3, 4, 5)]
    if best == (3, 4, 5) or scores[best] < 0.7 or scores[best] - given < 0.3:
        return []
    return [
        finding(
            "stress-order", "certain" if scores[best] - given > 0.5 and chosen.sum() >= 6 else "likely",
            f"The shears follow the base in the order {ORDERS[best]}, not in Voigt's yz xz xy.", _stressed(subject),
            "Write stresses as xx yy zz yz xz xy (VASP prints xx yy zz xy yz zx), or as 3x3.",
            [("cosine_as_given", given, ""), ("cosine_reordered", scores[best], "")],
        )
    ]  # fmt: skip


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.sum(a * b)) / size if size > 0.0 else 0.0
