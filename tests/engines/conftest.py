"""A corrected toy whose weights are made up, so that no test of an engine waits for a fit."""

import numpy as np
import pytest

from softfix.bases import load_base
from softfix.calculator import CorrectedCalculator
from softfix.core.basis import Basis
from softfix.correction import Correction, DataRecord, FitRecord
from tests.conftest import SoftEMT


@pytest.fixture(scope="session")
def toy_correction():
    basis = Basis(2, pair_cutoff=5.0, pair_count=3, three_cutoff=4.5, three_count=2)
    columns = 3 + basis.columns
    return Correction(
        base=load_base(SoftEMT()).identity,
        elements=(29, 79),
        basis=basis,
        scale=0.1,
        reference_energies=np.zeros(2),
        offsets=np.array([0.5, -0.2]),
        weights=0.01 * np.random.default_rng(0).normal(size=(2, basis.features)),
        covariance_root=0.01 * np.eye(columns),
        data=DataRecord(frames=0, atoms=0, sha256="", sources=[], labels_from=[], levels_of_theory=[]),
        fit=FitRecord(
            status="", terms=[], domain="global", held_out=None, calibration=1.0, base_force_error_eV_A=0.1,
            amplitude_eV={}, noise={"energy_eV_atom": 0.01, "forces_eV_A": 0.1, "stress_eV_A3": 0.01},
            force_scale_eV_A=1.0, rows={}, log_evidence=0.0,
        ),
    )  # fmt: skip


@pytest.fixture
def corrected(toy_correction):
    return CorrectedCalculator(SoftEMT(), toy_correction)
