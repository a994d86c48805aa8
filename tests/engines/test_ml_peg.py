"""ml-peg takes the calculator by an entry in its file of models, as the README has it."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import alloy

README = Path(__file__).parents[2] / "README.md"


def test_ml_peg_loads_the_entry_of_the_readme(corrected, toy_correction, tmp_path, monkeypatch):
    pytest.importorskip("ml_peg", reason="the ml-peg package is not installed")
    from ml_peg.models.get_models import load_models

    monkeypatch.chdir(tmp_path)
    toy_correction.save("my.softfix")
    entry = re.search(r"```yaml\n(my-corrected-model:.*?)```", README.read_text(), re.DOTALL).group(1)
    (tmp_path / "models.yml").write_text(entry + "    base: tests.conftest:SoftEMT\n    any_base: true\n")
    model = load_models("my-corrected-model", tmp_path / "models.yml", run_mock=False)["my-corrected-model"]
    with pytest.warns(UserWarning, match="precision has no effect"):
        calculator = model.get_calculator(precision="high")
    atoms, ours = alloy(1, size=1), alloy(1, size=1)
    atoms.calc, ours.calc = calculator, corrected
    assert atoms.get_potential_energy() == ours.get_potential_energy()
    np.testing.assert_array_equal(atoms.get_forces(), ours.get_forces())
    np.testing.assert_array_equal(atoms.get_stress(), ours.get_stress())
