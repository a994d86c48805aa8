"""Where no frame of the fit says anything, the correction leaves the base's forces nearly as they are."""

from dataclasses import replace

import numpy as np
from ase.build import bulk

from softfix.candidate import _gates
from softfix.core.statistics import KINDS
from softfix.correct import correct
from softfix.evaluations import Evaluation, evaluate_base
from softfix.far import far_structures
from softfix.fitting import fit
from softfix.prior import choose_basis
from softfix.problem import Problem
from softfix.rows import Surroundings
from softfix.settings import FitSettings
from softfix.trust import trust_statistics
from softfix.trusted import Trusted
from tests.conftest import labelled

SMALL = {"basis": {"pair_count": 6, "three_count": 2, "many_count": 3, "anchors": 16}}


def test_surroundings_of_the_fit_are_not_held(frames, soft_base):
    settings = FitSettings.model_validate(SMALL)
    elements, zero = (29, 79), np.zeros(2)
    basis = choose_basis(2, settings)
    evaluations = evaluate_base(soft_base, frames)
    problem = Problem(basis, elements, frames, evaluations, zero, zero, settings)
    seen = Surroundings(basis, elements, frames)
    gates = _gates(problem, ("global",), seen)
    same = Trusted(list(zip(frames, evaluations, strict=True)))
    (none,) = trust_statistics(replace(problem, trusted=same), gates, seen)
    assert not none.gram.any()
    slab = far_structures(frames, 1)
    far = Trusted(list(zip(slab, evaluate_base(soft_base, slab), strict=True)))
    (some,) = trust_statistics(replace(problem, trusted=far), gates, seen)
    assert np.trace(some.gram[KINDS.index("trust")]) > 0.0


def copper(seed):
    """Rattled crystal of copper."""
    atoms = bulk("Cu", cubic=True) * (2, 2, 2)
    atoms.rattle(0.03, seed=seed)
    return atoms


def test_a_slab_is_as_wrong_as_its_base_at_most_when_that_is_trusted(soft_base):
    """Without the scale, large weights fitted to a crystal are arbitrary at its surface."""
    slab = copper(7)
    slab.center(vacuum=5.0, axis=2)
    frames, slab = [labelled(copper(seed)) for seed in range(2)], labelled(slab)
    (base,) = evaluate_base(soft_base, [slab])

    def error(structures):
        settings = FitSettings.model_validate(
            SMALL
            | {"terms": ["pair", "three_body"], "gate": {"margin": 1e3}}
            | {"prior": {"three_body": 1.0, "three_body_width": 1e-3}}
            | {"trust": {"structures": structures, "compressed": 0}}
            | {"noise": {"forces_floor": 0.05}}  # the less labels are believed, the firmer the base is held elsewhere
        )
        change = correct(fit(frames, soft_base, settings).correction, slab, base, None)
        return np.sqrt(np.mean((base.forces + change.forces - slab.forces) ** 2))

    of_base = np.sqrt(np.mean((base.forces - slab.forces) ** 2))
    assert error(10) < 0.7 * of_base < of_base < error(0)


def test_frames_at_rest_leave_more_to_the_base(frames):
    """A relaxed structure says nothing of how the base errs where forces do not vanish."""
    bases = [Evaluation(0.0, 0.8 * frame.forces, None) for frame in frames]
    hot = Problem(None, (), frames, bases, None, None, FitSettings())
    resting = [replace(frame, forces=0.001 * frame.forces) for frame in frames]
    trust = FitSettings().trust
    assert hot.trust == trust
    firm = replace(hot, frames=resting).trust
    assert (firm.relative, firm.floor) == (trust.at_rest * trust.relative, trust.at_rest * trust.floor)
    assert firm.relative < trust.relative
