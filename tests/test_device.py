"""A fit on several JAX devices gives what one gives; the devices are made of this machine's processor."""

import os
import subprocess
import sys

import numpy as np
import pytest

from softfix.core.statistics import KINDS
from softfix.data import write_frames
from softfix.device import on_each_device

SCRIPT = """
import sys
import numpy as np
import jax, jax.numpy as jnp
import softfix.candidate
from softfix.data import read_frames
from softfix.device import on_each_device
from softfix.fitting import fit
from tests.conftest import SoftEMT
from tests.test_fit import QUICK

used, whole = [], []
on_the_next = on_each_device(lambda item: used.append(jnp.zeros(3).devices()))
for item in range(5):
    on_the_next(item)
found = softfix.candidate.folds_of
softfix.candidate.folds_of = lambda *given: whole.append(found(*given)) or whole[-1]
fit(read_frames(sys.argv[1]), SoftEMT(), QUICK)
gram = np.sum([part.gram for part in whole[0][0]], axis=0)
np.savez(sys.argv[2], gram=gram, devices=len(set.union(*used)))
"""


@pytest.fixture
def on_devices(frames, tmp_path):
    """Statistics of a fit in a process of its own that has so many devices."""
    write_frames(tmp_path / "train.extxyz", frames[:5])

    def run(devices):
        env = os.environ | {
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
            "JAX_PLATFORMS": "cpu",
            "OMP_NUM_THREADS": "2",
        }
        output = tmp_path / f"{devices}.npz"
        subprocess.run([sys.executable, "-c", SCRIPT, tmp_path / "train.extxyz", output], check=True, env=env)
        return np.load(output)

    return run


def test_frames_go_to_all_devices_and_add_up_to_the_same(on_devices):
    one, three = on_devices(1), on_devices(3)
    assert (one["devices"], three["devices"]) == (1, 3)
    scale = np.abs(one["gram"]).max(axis=(1, 2))
    assert scale[KINDS.index("forces")] > 0.0
    np.testing.assert_allclose(three["gram"], one["gram"], rtol=1e-10, atol=1e-10 * scale.max())


def test_one_device_costs_nothing():
    def function(item):
        return item

    assert on_each_device(function) is function
