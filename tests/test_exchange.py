"""Trust in the base between compositions: which elements are exchanged, and what it is for."""

import numpy as np
from ase.build import bulk

from softfix.correct import corrected
from softfix.data.frames import Frame
from softfix.evaluations import evaluate_base
from softfix.exchange import PER_PAIR, exchanged, varied
from softfix.fitting import fit
from softfix.measure import measure
from softfix.settings import FitSettings
from tests.conftest import labelled

COPPER, GOLD, CHLORINE = 29, 79, 17


def alloy(gold, seed):
    """Rattled crystal with so many of 32 atoms gold, at the mean lattice constant of EMT."""
    rng = np.random.default_rng(seed)
    atoms = bulk("Cu", "fcc", a=3.6 + 0.46 * gold / 32, cubic=True) * (2, 2, 2)
    atoms.symbols[rng.permutation(32)[:gold]] = "Au"
    atoms.rattle(0.05, rng=rng)
    return atoms


def salt(copper):
    """Rock salt in which so many of 4 cations are copper, the others gold."""
    atoms = bulk("CuCl", "rocksalt", a=5.4, cubic=True)
    atoms.symbols[np.flatnonzero(atoms.numbers == COPPER)[copper:]] = "Au"
    return Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, source="a salt")


def test_elements_are_exchanged_only_if_their_share_varies():
    assert varied([salt(1), salt(3)]) == [COPPER, GOLD]
    assert varied([salt(2), salt(2)]) == []
    assert exchanged([salt(2), salt(2)], 36) == []
    made = exchanged([salt(1), salt(3)], 36)
    assert len(made) == 2 * PER_PAIR
    assert all(np.count_nonzero(frame.numbers == CHLORINE) == 4 for frame in made)
    assert {np.count_nonzero(frame.numbers == COPPER) for frame in made} >= {0, 4}  # pure ones are among them


def test_exchanges_are_the_same_for_the_same_frames_and_no_more_than_asked_for():
    frames = [labelled(alloy(gold, gold)) for gold in (4, 20)]
    first, second = exchanged(frames, 36), exchanged(frames, 36)
    assert [frame.content_hash for frame in first] == [frame.content_hash for frame in second]
    assert [frame.content_hash for frame in exchanged(frames, 3)] == [frame.content_hash for frame in first[:3]]
    assert exchanged(frames, 0) == []
    assert all(frame.energy is None and frame.forces is None for frame in first)


def test_energies_and_pressures_of_other_compositions_are_less_arbitrary_if_the_base_is_trusted(soft_base):
    """Both pure metals leave open what large weights make of their alloys."""
    frames = [labelled(alloy(gold, seed)) for gold in (0, 32) for seed in range(2)]
    others = [labelled(alloy(gold, 50 + gold)) for gold in (4, 12, 20, 28)]
    before = measure(others, evaluate_base(soft_base, others))

    def after(exchanges):
        settings = FitSettings.model_validate(
            {"basis": {"pair_count": 6, "three_count": 2}, "terms": ["pair", "three_body"], "domain": "global"}
            | {"prior": {"pair": 3.0, "pair_width": 1e-3, "three_body": 1.0, "three_body_width": 1e-3}}
            | {"trust": {"exchanged": exchanges, "energy": 1e-3}, "gate": {"margin": 1e3}}
        )
        return measure(others, corrected(fit(frames, soft_base, settings).correction, others, soft_base))

    without, held = after(0), after(36)
    assert held.energy_mae_meV_atom < 0.5 * without.energy_mae_meV_atom
    assert held.stress_mae_GPa < min(0.5 * without.stress_mae_GPa, before.stress_mae_GPa)
    assert held.force_mae_eV_A < min(without.force_mae_eV_A, before.force_mae_eV_A)
