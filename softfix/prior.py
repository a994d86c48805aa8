"""From settings to what the regression starts with: basis, prior of every column, hyperprior."""

from __future__ import annotations

import numpy as np

from softfix.core.basis import Basis
from softfix.core.evidence import Columns, Hyperprior
from softfix.core.statistics import Statistics
from softfix.errors import SoftfixError
from softfix.settings import FitSettings

GROUPS = ("scale", "offset", "pair", "three_body", "many_body")
FIXED = 1e-3  # width of the logarithm of a hyperparameter that the evidence leaves alone
ABSENT = 1e-12  # prior amplitude of a term that is switched off


def choose_basis(species: int, settings: FitSettings) -> Basis:
    """Basis for a number of species: as many three-body, then pair functions as fit into max_columns, no anchors yet.

    Raises:
        SoftfixError: if there are so many species that not even one pair function each fits.
    """
    chosen = settings.basis
    wanted, anchors = chosen.three_count if "three_body" in settings.terms else 0, anchors_each(species, settings)
    sizes = [(chosen.pair_count, three) for three in range(wanted, -1, -1)]
    sizes += [(pair, 0) for pair in range(chosen.pair_count - 1, 0, -1)]
    for pair_count, three_count in sizes:
        basis = Basis(
            species, chosen.pair_cutoff, pair_count, chosen.three_cutoff, three_count, chosen.l_max,
            many_count=chosen.many_count if anchors else 0,
        )  # fmt: skip
        if basis.columns + species * anchors <= chosen.max_columns:
            return basis
    raise SoftfixError(
        f"{species} elements are too many for one correction of {chosen.max_columns} weights: fit fewer materials "
        "together, or raise basis.max_columns in the settings."
    )


def anchors_each(species: int, settings: FitSettings) -> int:
    """Most anchors of every species."""
    return settings.basis.anchors // species if "many_body" in settings.terms else 0


def columns_of(basis: Basis, elements: int, settings: FitSettings) -> Columns:
    """Group and shape of the prior of every column: scale, offsets of so many elements, weights."""
    prior, table = settings.prior, basis.table()
    start = np.where(table["body"] == 2, prior.pair_smoothness, prior.three_body_smoothness)
    shape = (1.0 + (table["radial"] / start) ** 2) ** (-0.5 * prior.smoothness_power)
    group = table["body"] + (GROUPS.index("pair") - 2)
    S = basis.species
    return Columns(
        np.concatenate([[0], np.ones(elements, int), np.tile(group, S)]),
        np.concatenate([np.ones(1 + elements), np.tile(shape, S)]),
    )


def hyperprior_of(settings: FitSettings, statistics: Statistics) -> Hyperprior:
    """Where the evidence starts from, and how far it may go; the noise of forces follows the base's error.

    That of energies is no more than the settings'. There are few energies among many forces: a single one that the
    functions can hardly reach would have the evidence take all for noise, and forces alone leave energies of unlike
    structures open. (Where they contradict the forces altogether, `softfix.candidate` lifts this.)
    """
    prior, noise = settings.prior, settings.noise
    amplitude = {
        name: getattr(prior, name) if name in settings.terms or name == "offset" else ABSENT for name in GROUPS
    }
    width = {name: getattr(prior, f"{name}_width", FIXED) if name in settings.terms else FIXED for name in GROUPS}
    rms = float(np.sqrt(statistics.squares[1] / max(float(statistics.counts[1]), 1.0)))
    return Hyperprior(
        np.array([amplitude[name] for name in GROUPS]),
        np.array([width[name] for name in GROUPS]),
        np.array([noise.energy, max(noise.forces, noise.forces_relative * rms), noise.stress, 1.0]),
        np.array([noise.width, noise.width, noise.width, FIXED]),
        np.array([0.0, noise.forces_floor * rms, 0.0, 0.0]),
        np.array([noise.energy, np.inf, np.inf, np.inf]),
    )
