"""Learning on the fly against several times as many random labels of the same trajectory.

    python calibration/learn/compare.py KBr --output out/learn          # a phase of ../data/recipes.toml, GPAW labels

`softfix learn` runs dynamics and labels what it is unsure of. Of the structures that it passed through, some are held
out, and ten times (`--times`) as many as it labelled are drawn at random; all are labelled, and both fits are measured
on those held out. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import softfix
from softfix.correct import corrected
from softfix.data.frames import Frame
from softfix.dynamics import Conditions
from softfix.evaluations import evaluate_base
from softfix.files import atomic_path
from softfix.fitting import fit
from softfix.label import Workers, label_frames, load_protocol
from softfix.learn import LearnSettings, learn
from softfix.measure import measure

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from make import recipes

HELD_OUT = 20


def split(visited: list[Frame], count: int) -> tuple[list[Frame], list[Frame]]:
    """Structures held out, and so many others, at random."""
    order = np.random.default_rng(0).permutation(len(visited))
    held, rest = order[:HELD_OUT], order[HELD_OUT : HELD_OUT + count]
    if len(rest) < count:
        raise SystemExit(f"{len(visited)} structures are too few for {count} random labels: more --steps.")
    return [visited[i] for i in held], [visited[i] for i in rest]


def main(
    name: Annotated[str, typer.Argument(help="Set of ../data/recipes.toml; its first phase is run.")],
    output: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("out/learn"),
    base: Annotated[str, typer.Option()] = "chgnet",
    calculator: Annotated[str, typer.Option(help="gpaw as the recipe says, or package.module:factory.")] = "gpaw",
    temperature: Annotated[float, typer.Option(help="K.")] = 600.0,
    steps: Annotated[int, typer.Option(min=100)] = 600,
    max_labels: Annotated[int, typer.Option(min=1)] = 10,
    times: Annotated[int, typer.Option(min=1, help="Random labels for each that was asked for.")] = 10,
    workers: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Learn, label, compare."""
    recipe = recipes()[name]
    protocol = recipe.gpaw.model_copy(update={"pulay": False}) if calculator == "gpaw" else load_protocol(calculator)
    start = next(iter(recipe.phases.values())).frame(name)
    keep = max(1, steps // (HELD_OUT + times * max_labels))
    settings = LearnSettings(keep=keep)
    hot = Conditions(temperature=temperature)
    done = learn(start, base, protocol, output / "run", steps, max_labels, hot, settings)
    print(done.status, flush=True)
    held, drawn = split(done.visited, times * len(done.frames))
    who = Workers(workers)
    held = label_frames(held, protocol, output / "held-out.extxyz", who).labelled
    drawn = label_frames(drawn, protocol, output / "random.extxyz", who).labelled
    potential = softfix.load_base(base)
    before = evaluate_base(potential, held)
    errors = {"base": measure(held, before).force_mae_eV_A}
    for kind, correction in (("learned", done.correction), ("random", fit(drawn, potential).correction)):
        errors[kind] = measure(held, corrected(correction, held, potential)).force_mae_eV_A
    record = {
        "set": name, "base": base, "level": protocol.level, "temperature_K": temperature, "steps": done.steps,
        "labels": len(done.frames), "random_labels": len(drawn), "held_out": len(held),
        "force_mae_eV_A": errors, "learned_over_random": errors["learned"] / errors["random"],
    }  # fmt: skip
    with atomic_path(output / "result.json") as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    typer.run(main)
