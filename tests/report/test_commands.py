"""The commands as a user meets them; mistakes are one sentence."""

import json

import pytest
from typer.testing import CliRunner

from softfix.cli import app
from softfix.data import write_frames
from softfix.errors import SoftfixError
from softfix.report.numbers import dump

BASE = "tests.conftest:SoftEMT"


@pytest.fixture
def files(toy, tmp_path, monkeypatch):
    from dataclasses import replace

    from softfix.bases import load_base

    write_frames(tmp_path / "test.extxyz", toy.frames)
    identity = load_base(BASE).identity
    replace(toy.correction, base=identity).save(tmp_path / "toy.softfix")
    (tmp_path / "numbers.json").write_text(dump(toy.numbers), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def softfix(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_report_is_made_and_made_again_without_a_model(files):
    out = ("-o", "a.html", "--json", "a.json", "--card", "a.md")
    run = softfix("report", "toy.softfix", "--test", "test.extxyz", *out, "--md-steps", 2)
    assert run.exit_code == 0, run.exception
    assert "lowers the force MAE" in run.stdout.replace("\n", " ")
    assert json.loads((files / "a.json").read_text())["kind"] == "report"
    assert (files / "a.md").read_text().startswith("# A correction of")
    assert softfix("report", "--from", "a.json", "-o", "b.html", "--json", "b.json").exit_code == 0
    assert (files / "b.html").read_bytes() == (files / "a.html").read_bytes()
    assert (files / "b.json").read_bytes() == (files / "a.json").read_bytes()


def test_corrections_and_bases_stand_side_by_side(files):
    run = softfix("compare", "toy.softfix", "ase.calculators.emt:EMT", "--test", "test.extxyz", "--json", "c.json",
                  "-o", "c.html")  # fmt: skip
    assert run.exit_code == 0, run.exception
    found = json.loads((files / "c.json").read_text())
    assert [potential["name"] for potential in found["potentials"]] == [BASE, "ase.calculators.emt:EMT", "toy"]
    base, truth, corrected = (errors["force_mae"]["value"] for errors in found["whole"]["errors"])
    assert truth < 1e-9 < corrected < base
    assert "ase.calculators.emt:EMT has the least force MAE" in found["verdict"]


def test_a_diagnosis_has_findings_and_a_page(files):
    run = softfix("diagnose", "test.extxyz", "--base", BASE, "-o", "d.html", "--json", "d.json")
    assert run.exit_code == 0, run.exception
    found = json.loads((files / "d.json").read_text())
    assert found["whole"]["errors"][0]["slope"]["value"] == pytest.approx(0.8)
    assert found["findings"]["checks"]
    assert "too soft" in (files / "d.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("report", "toy.softfix"), "--test DATA"),
        (("report",), "--from JSON"),
        (("report", "toy.softfix", "--from", "numbers.json"), "not both"),
        (("report", "absent.softfix", "--test", "test.extxyz"), "absent.softfix does not exist"),
        (("report", "toy.softfix", "--test", "absent.extxyz"), "absent.extxyz does not exist"),
        (("report", "toy.softfix", "--test", "test.extxyz", "--properties", "absent"), "absent is not a folder"),
        (("report", "toy.softfix", "--test", "test.extxyz", "--base", "ase.calculators.emt:EMT"), "was fitted to"),
        (("report", "--from", "absent.json"), "absent.json does not exist"),
        (("report", "--from", "test.extxyz"), "test.extxyz is not JSON"),
        (("compare", "toy.softfix"), "--test DATA"),
        (("compare", "toy.softfix", "toy.softfix", "--test", "test.extxyz"), "named twice"),
        (("compare", "chgnt", "--test", "test.extxyz"), "chgnt"),
        (("diagnose", "absent.extxyz", "--base", BASE), "absent.extxyz does not exist"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(files, arguments, words):
    run = softfix(*arguments)
    assert isinstance(run.exception, SoftfixError)
    assert words in str(run.exception)
    assert not list(files.glob("*.html"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "holds no numbers"),
        ({"schema_version": 99}, "upgrade softfix"),
        ({"verdict": None}, "entry 'verdict'"),
        ({"whole": {}}, "entry 'whole"),
    ],
)
def test_a_json_that_is_not_ours_or_damaged_is_told(files, change, words):
    content = json.loads((files / "numbers.json").read_text(encoding="utf-8"))
    (files / "numbers.json").write_text(json.dumps(content | change), encoding="utf-8")
    run = softfix("report", "--from", "numbers.json", "-o", "x.html")
    assert isinstance(run.exception, SoftfixError)
    assert words in str(run.exception)
    assert not (files / "x.html").exists()
