"""JAX leaves the GPU's memory to torch, and a user's own setting as it is."""

import os

import pytest

from softfix.calculator import CorrectedCalculator
from softfix.device import PREALLOCATE
from softfix.evaluations import evaluate_base


@pytest.mark.parametrize(("before", "after"), [(None, "false"), ("true", "true")])
def test_memory_is_not_taken_before_it_is_needed(monkeypatch, soft_base, toy_correction, before, after):
    for use in (lambda: evaluate_base(soft_base, []), lambda: CorrectedCalculator(soft_base, toy_correction)):
        monkeypatch.setenv(PREALLOCATE, before) if before else monkeypatch.delenv(PREALLOCATE, raising=False)
        use()
        assert os.environ[PREALLOCATE] == after
