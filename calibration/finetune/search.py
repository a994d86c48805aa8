"""Search the learning rate of fine-tuning on training frames alone: some are trained on, others of them measured.

    python calibration/finetune/search.py FRAMES --base chgnet --train 10 --rate 1e-3 --rate 3e-3

Prints one line per rate: force MAE on the frames not trained on, over that of the base.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from softfix.bases import load_base
from softfix.data import read_frames
from softfix.evaluations import evaluate_base, evaluate_frame
from softfix.finetune import FinetuneSettings, finetune
from softfix.measure import measure


def main(
    frames: Annotated[Path, typer.Argument(help="A training file; never one of test frames.")],
    base: Annotated[str, typer.Option()],
    rate: Annotated[list[float], typer.Option()],
    train: int = 10,
    held: int = 12,
    seed: int = 0,
    steps: int = 300,
) -> None:
    """Train with each rate on one draw, measure on the next frames of the same file."""
    read = read_frames(frames)
    order = np.random.default_rng(seed).permutation(len(read))
    chosen = [read[i] for i in order[:train]]
    others = [read[i] for i in order[train : train + held]]
    potential = load_base(base)
    before = measure(others, evaluate_base(potential, others)).force_mae_eV_A
    for value in rate:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            settings = FinetuneSettings(learning_rate=value, steps=steps, seed=seed)
            result = finetune(chosen, potential, Path(folder) / "tuned", settings)
            seconds = time.perf_counter() - started
            calculator = load_base(result.spec).calculator()
            after = measure(others, [evaluate_frame(calculator, frame) for frame in others])
        ratio = after.force_mae_eV_A / before
        typer.echo(f"{frames.name} {base} lr {value:g}: {ratio:.3f} of {before:.4f} eV/Å, {seconds:.0f} s")


if __name__ == "__main__":
    typer.run(main)
