"""Fine-tune all weights of a base and measure it before and after on frames that were held out.

    python examples/finetune.py chgnet examples/HfO2/train.extxyz examples/HfO2/test.extxyz out/chgnet-HfO2

The trained potential is a base itself: `softfix fit ... --base chgnet:out/chgnet-HfO2`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import softfix
from softfix.evaluations import evaluate_base
from softfix.finetune import FinetuneSettings, finetune
from softfix.measure import measure

ROWS = {
    "force MAE, eV/Å": "force_mae_eV_A",
    "softening slope": "softening_slope",
    "energy MAE, meV/atom": "energy_mae_meV_atom",
    "stress MAE, GPa": "stress_mae_GPa",
}


def main() -> None:
    """Read the command line, train, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", help="chgnet, matgl:<folder or name>, mace:<alias, file or folder>")
    parser.add_argument("train", type=Path, help="labelled frames to train on")
    parser.add_argument("test", type=Path, help="labelled frames to measure on")
    parser.add_argument("output", type=Path, help="folder of the trained potential")
    parser.add_argument("--epochs", type=int, help="passes over the training frames")
    arguments = parser.parse_args()
    test = softfix.read_frames(arguments.test)
    settings = FinetuneSettings(epochs=arguments.epochs)
    result = finetune(softfix.read_frames(arguments.train), arguments.base, arguments.output, settings)
    bases = [softfix.load_base(spec) for spec in (arguments.base, result.spec)]
    before, after = (measure(test, evaluate_base(base, test)).model_dump() for base in bases)
    print(f"{result.status} ({result.seconds:.0f} s)\n{'':22}{'before':>9}{'after':>9}")
    for title, name in ROWS.items():
        values = (before[name], after[name])
        print(f"{title:22}" + "".join(f"{'-' if value is None else f'{value:.3f}':>9}" for value in values))


if __name__ == "__main__":
    main()
