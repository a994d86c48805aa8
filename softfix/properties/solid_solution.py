"""Formation energies of a pseudobinary solid solution: orderings against the mixture of the two end members.

E_f(x) = E - (1 - x) E_A - x E_B per mixed site, where x counts one of the two elements that exchange. Structures are
taken as they are given, so that a labelled ordering is compared with its own DFT energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.data.read import read_frames
from softfix.errors import SoftfixError
from softfix.properties.findings import Drawing, Findings, Value
from softfix.properties.potential import Potential
from softfix.properties.property import Problem, Property
from softfix.properties.relaxation import RelaxationSettings

BOLTZMANN = 8.617333262e-5  # eV/K (CODATA 2018)


class SolidSolutionSettings(BaseModel):
    """How formation energies are computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    relax: bool = Field(False, description="Relax every ordering, cell included, by each potential.")
    relaxation: RelaxationSettings = RelaxationSettings(force=0.02)


@dataclass(frozen=True, eq=False)
class Mixture:
    """The orderings of a pseudobinary: how much of B each holds, and on how many mixed sites."""

    a: int  # atomic numbers of the two elements that exchange
    b: int
    x: np.ndarray  # (orderings,) share of B
    sites: np.ndarray  # (orderings,) number of mixed sites

    def formation(self, energies: np.ndarray) -> np.ndarray:
        """Formation energies in eV per mixed site, against the lowest end members among the orderings."""
        per_site = energies / self.sites
        ends = [per_site[self.x == end].min() for end in (0.0, 1.0)]
        return per_site - (1.0 - self.x) * ends[0] - self.x * ends[1]

    @property
    def mixed(self) -> np.ndarray:
        """Which orderings are neither end member."""
        return (self.x > 0.0) & (self.x < 1.0)


def measure(problem: Problem, potential: Potential) -> Findings:
    """Formation energies of all orderings by a potential."""
    structures = [atoms_of(frame) for frame in problem.structures]
    mixture = mixture_of(problem.structures)
    if problem.settings.relax:
        structures = potential.relaxed(structures, problem.settings.relaxation, symmetric=False)
    return findings_of(mixture, potential.energies(structures))


def read_reference(problem: Problem) -> Findings | None:
    """Formation energies of the labels: of the reference file, or of the structures themselves if all have one."""
    frames = read_frames(problem.reference) if problem.reference else list(problem.structures)
    if any(frame.energy is None for frame in frames):
        if problem.reference is None:
            return None
        raise SoftfixError(f"{problem.reference}: every ordering of a reference needs an energy.")
    if [frame.numbers.tolist() for frame in frames] != [frame.numbers.tolist() for frame in problem.structures]:
        raise SoftfixError(
            f"{problem.reference} and {problem.structures[0].source} should hold the same orderings, atom by atom and "
            "in the same order: give the labelled file as --structure too."
        )
    return findings_of(mixture_of(frames), np.array([float(frame.energy or 0.0) for frame in frames]))


def compare(own: Findings, reference: Findings) -> list[Value]:
    """Mean error of the formation energies of mixed orderings."""
    error = own.arrays["formation"] - reference.arrays["formation"]
    return [Value("formation energy MAE", "meV/site", 1000.0 * float(np.abs(error).mean()))]


def findings_of(mixture: Mixture, energies: np.ndarray) -> Findings:
    """Extremes of the formation energies, and the miscibility that a regular solution with their mean would have."""
    formation = mixture.formation(energies)[mixture.mixed]
    x = mixture.x[mixture.mixed]
    omega = float(np.sum(formation * x * (1 - x)) / np.sum((x * (1 - x)) ** 2))
    values = [
        Value("highest formation energy", "meV/site", 1000.0 * float(formation.max())),
        Value("lowest formation energy", "meV/site", 1000.0 * float(formation.min())),
        Value("interaction of a regular solution", "meV/site", 1000.0 * omega),
        Value("critical temperature of a regular solution", "K", max(omega, 0.0) / (2.0 * BOLTZMANN)),
    ]
    axes = (f"share of {_symbol(mixture.b)}", "formation energy, meV/site")
    drawing = Drawing("formation", *axes, [(x, 1000.0 * formation)], "points")
    return Findings(values, [drawing], arrays={"formation": formation, "x": x})


def mixture_of(frames: Sequence[Frame]) -> Mixture:
    """The two elements that exchange, and how much of each every ordering holds.

    Raises:
        SoftfixError: if not exactly two elements exchange, or an end member is missing.
    """
    elements = sorted({int(z) for frame in frames for z in frame.numbers})
    shares = np.array([[np.mean(frame.numbers == z) for z in elements] for frame in frames])
    varying = [z for z, spread in zip(elements, np.ptp(shares, axis=0), strict=True) if spread > 1e-9]
    if len(varying) != 2:
        names = ", ".join(_symbol(z) for z in varying) or "none"
        raise SoftfixError(
            f"{frames[0].source}: in a pseudobinary two elements exchange, but the shares of {names} differ between "
            "the structures: give orderings of one pseudobinary."
        )
    a, b = varying
    counts = np.array([[np.sum(frame.numbers == z) for z in (a, b)] for frame in frames])
    sites = counts.sum(axis=1)
    x = counts[:, 1] / sites
    for end, z in ((0.0, a), (1.0, b)):
        if not (x == end).any():
            raise SoftfixError(
                f"{frames[0].source}: no structure is the end member with {_symbol(z)} alone, to which formation "
                "energies refer: add it."
            )
    if not ((x > 0.0) & (x < 1.0)).any():
        raise SoftfixError(f"{frames[0].source}: there are end members alone: add mixed orderings.")
    return Mixture(a, b, x, sites)


def _symbol(z: int) -> str:
    from ase.data import chemical_symbols

    return chemical_symbols[z]


PROPERTY = Property(
    "solid-solution",
    "Solid solution",
    SolidSolutionSettings,
    measure,
    read_reference,
    compare,
    structures="several",
    quick={"relaxation": {"force": 0.05}},
)
