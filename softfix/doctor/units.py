"""Units and sign of energies and forces: by how energies follow forces between near frames, and by a base."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softfix.core.robust import explained, least_absolute
from softfix.doctor.finding import Finding, finding
from softfix.doctor.subject import Subject

ENERGY_UNITS = {"eV": 1.0, "Hartree": 27.211386, "Rydberg": 13.605693, "kcal/mol": 0.0433641, "kJ/mol": 0.0103643,
                "meV": 1e-3}  # fmt: skip  # eV, CODATA 2018
FORCE_UNITS = {"eV/Å": 1.0, "Hartree/bohr": 51.422067, "Rydberg/bohr": 25.711034, "eV/bohr": 1.8897261,
               "kcal/mol/Å": 0.0433641, "kJ/mol/Å": 0.0103643, "kJ/mol/nm": 0.00103643, "meV/Å": 1e-3,
               "gradients in eV/Å": -1.0, "gradients in Hartree/bohr": -51.422067}  # fmt: skip  # eV/Å
PAIRS = 5  # pairs of near frames from which a slope is believed
TRUST = 0.6  # share of the label that a slope must explain
WORSE = 7.0  # how much worse (in squared standard deviations) right units must fit than the wrong ones
FITS = 9.0  # and how well these must


@dataclass(frozen=True)
class Evidence:
    """A measured ratio, the logarithm it should have in right units, and how far that spreads."""

    name: str
    ratio: float
    expected: float
    width: float
    energy_power: int  # the ratio is proportional to (energy unit)^-energy_power (force unit)^-force_power
    force_power: int
    share: float

    def cost(self, energy: float, force: float) -> float:
        """Squared distance, in widths, if labels are in units of `energy` eV and `force` eV/Å."""
        true = self.ratio * energy**self.energy_power * force**self.force_power
        return float(((np.log(true) - self.expected) / self.width) ** 2) if true > 0.0 else 1e3


def label_units(subject: Subject) -> list[Finding]:
    """Energies or forces whose size or sign only makes sense in another unit."""
    evidence = [one for one in (_pair_slope(subject), _force_slope(subject), _energy_slope(subject)) if one]
    if not evidence:
        return []
    costs = {
        (energy, force): sum(one.cost(u, v) for one in evidence)
        for energy, u in ENERGY_UNITS.items()
        for force, v in FORCE_UNITS.items()
    }
    right = costs[("eV", "eV/Å")]
    best = min(costs.values())
    if right < best + WORSE or best > FITS:
        return []
    fitting = [names for names, cost in costs.items() if cost < best + 4.0]
    simplest = [names for names in fitting if names[0] == "eV" or names[1] == "eV/Å"] or fitting
    return [_finding(subject, evidence, simplest, right - best)]


def _finding(subject: Subject, evidence: list[Evidence], fitting: list[tuple[str, str]], margin: float) -> Finding:
    readings = " or ".join(f"energies in {energy} and forces in {force}" for energy, force in fitting[:4])
    sure = max(one.share for one in evidence) > 0.8 and margin > 2 * WORSE
    values = [(one.name, one.ratio, "") for one in evidence]
    return finding(
        "units", "certain" if sure else "likely", f"The labels fit as {readings}, not as eV and eV/Å.",
        [frame for frame in subject.frames if frame.energy is not None or frame.forces is not None],
        "Convert to eV and eV/Å (forces, not gradients) and check again.", values,
    )  # fmt: skip


def _pair_slope(subject: Subject) -> Evidence | None:
    """Slope of dE on -F.dR between near frames in the same cell: 1, whatever the potential."""
    pairs = subject.pairs
    chosen = ~pairs.strained & (pairs.size > 0)
    if chosen.sum() < PAIRS:
        return None
    scale = pairs.step[chosen] ** 2 * pairs.atoms[chosen]
    x, y = pairs.work[chosen] / scale, pairs.energy[chosen] / scale
    (slope,) = least_absolute(x[:, None], y)
    share = explained(y, y - slope * x)
    return Evidence("energy_over_work", float(slope), 0.0, 0.1, 1, -1, share) if share > TRUST else None


def _force_slope(subject: Subject) -> Evidence | None:
    """Forces over those of the base: 1 to 1.8, as bases are too soft."""
    known = subject.forces()
    if not known:
        return None
    y = np.concatenate([label.ravel() for _, label, _ in known])
    x = np.concatenate([base.ravel() for _, _, base in known])
    (slope,) = least_absolute(x[:, None], y)
    share = explained(y, y - slope * x)
    return Evidence("forces_over_base", float(slope), 0.15, 0.2, 0, 1, share) if share > TRUST - 0.1 else None


def _energy_slope(subject: Subject) -> Evidence | None:
    """Energy differences, beyond what the composition explains, over those of the base."""
    _, counts, energy, base = subject.energies()
    if len(energy) < counts.shape[1] + 5:
        return None
    atoms = counts.sum(axis=1)
    shares = counts / atoms[:, None]
    both = np.column_stack([shares, base / atoms])
    y = energy / atoms
    left = y - shares @ least_absolute(shares, y)
    fit = least_absolute(both, y)
    share = explained(left, y - both @ fit)
    return Evidence("energies_over_base", float(fit[-1]), 0.2, 0.35, 1, 0, share) if share > TRUST - 0.2 else None
