"""The command, what it writes, and that it goes on where it was stopped."""

import json

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

from softfix.bases import load_base
from softfix.errors import SoftfixError
from softfix.properties import NAMES, find_property
from softfix.properties.checks import read_values
from softfix.properties.figure import draw
from softfix.properties.potential import Potential
from softfix.properties.relaxation import RelaxationSettings
from softfix.properties.result import read_result
from softfix.properties.run import Potentials, measure_property
from softfix.properties.steps import Steps
from tests.properties.conftest import frames_of
from tests.test_cli import softfix

BASE = "ase.calculators.emt:EMT"
COPPER = bulk("Cu", a=3.7)


def test_the_command_writes_numbers_and_figures_that_redraw_without_a_model(tmp_path):
    write(tmp_path / "copper.extxyz", COPPER)
    run = softfix("properties", "phonons", "--structure", tmp_path / "copper.extxyz", "--base", BASE,
                  "-o", tmp_path / "out", "--quick")  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "max frequency" in run.stdout
    result = read_result(tmp_path / "out" / "phonons")
    assert result.name == "phonons"
    assert result.provenance.base == BASE
    assert result.provenance.settings["mesh"] == 20.0
    assert 7.5 < result.row("max frequency").base < 8.5  # THz; experiment 7.3, EMT is a little stiffer
    for panel in result.panels:
        figure = tmp_path / "out" / "phonons" / f"{panel.name}.svg"
        drawn = figure.read_bytes()
        draw(panel, tmp_path / "again.svg")
        assert (tmp_path / "again.svg").read_bytes() == drawn


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("phonnons", "--base", BASE), "did you mean 'phonons'?"),
        (("phonons",), "Give --correction FILE, --base SPEC, or both."),
        (("phonons", "--base", BASE, "--config", "bad.json"), "setting 'mash'"),
        (("phonons", "--base", BASE, "--reference", "absent.yaml"), "absent.yaml does not exist"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, arguments, words):
    write(tmp_path / "copper.extxyz", COPPER)
    (tmp_path / "bad.json").write_text(json.dumps({"mash": 3}))
    run = softfix("properties", *arguments, "--structure", "copper.extxyz", "-o", "out", cwd=tmp_path)
    assert run.returncode == 1
    assert words in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_several_structures_are_refused_where_one_is_meant(tmp_path):
    with pytest.raises(SoftfixError, match=r"eos takes one structure, but 2 are given, from structure 1 on"):
        measure_property("eos", frames_of(COPPER, bulk("Au")), Potentials(load_base(EMT())), tmp_path)


def test_every_name_has_a_property_of_that_name_whose_quick_settings_are_settings():
    for name in NAMES:
        found = find_property(name)
        assert found.name == name
        assert found.settings.model_validate(found.quick)


def test_a_relaxation_that_was_done_is_not_done_again(tmp_path):
    settings = RelaxationSettings()
    base = load_base(EMT())
    (first,) = Potential(base, None, Steps(tmp_path / "steps.jsonl")).relaxed([COPPER], settings)
    lines = (tmp_path / "steps.jsonl").read_text()
    again = Potential(base, None, Steps(tmp_path / "steps.jsonl"))
    (second,) = again.relaxed([COPPER], settings)
    assert "calculator" not in vars(again)
    assert (tmp_path / "steps.jsonl").read_text() == lines
    assert (first.cell.array == second.cell.array).all()
    assert first.cell.volume * 4 == pytest.approx(3.59**3, rel=2e-3)  # Å; EMT's lattice constant of copper


def test_a_step_cut_off_by_a_kill_is_done_again_and_the_others_are_kept(tmp_path):
    path = tmp_path / "steps.jsonl"
    steps = Steps(path)
    assert [steps.get(key, lambda key=key: f"value of {key}") for key in "ab"] == ["value of a", "value of b"]
    path.write_bytes(path.read_bytes()[:-5])
    steps = Steps(path)
    assert set(steps.done) == {"a"}
    assert steps.get("c", lambda: 3) == 3
    assert Steps(path).done == {"a": "value of a", "c": 3}


def test_a_relaxation_that_does_not_end_is_told(tmp_path):
    potential = Potential(load_base(EMT()), None, Steps(tmp_path / "steps.jsonl"))
    with pytest.raises(SoftfixError, match=r"Cu did not relax in 1 steps \(largest force .* asked 1e-05\)"):
        potential.relaxed([bulk("Cu", a=3.3)], RelaxationSettings(force=1e-5, steps=1))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not a JSON file"),
        ("[]", "should hold an object of quantities and numbers; there are 'bulk modulus' (GPa)"),
        ('{"bulk": 3}', "'bulk' is not a quantity of this property"),
        ('{"bulk modulus": "3"}', "'bulk modulus' should be a number but reads '3'"),
    ],
)
def test_reference_values_that_do_not_serve_are_refused(tmp_path, content, words):
    (tmp_path / "reference.json").write_text(content)
    with pytest.raises(SoftfixError) as caught:
        read_values(tmp_path / "reference.json", {"bulk modulus": "GPa"})
    assert words in str(caught.value)


def test_a_damaged_result_is_told(tmp_path):
    with pytest.raises(SoftfixError, match="does not exist: run softfix properties first"):
        read_result(tmp_path)
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(SoftfixError, match="is not a result of softfix properties"):
        read_result(tmp_path)
