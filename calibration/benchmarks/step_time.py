"""What the correction costs in a step of MD: beside its base, alone, and in compilations.

python calibration/benchmarks/step_time.py --base chgnet --base matgl:FOLDER --base mace:FILE

Base and corrected step are timed in turn, in one process, on rattled HfO2, and the correction's own part besides. Times
are the clock's and the process's CPU time: a corrected step evaluates the geometry's part on another core while the
base is at work, so that the clock shows less than the CPU time. Give the base one thread (OMP_NUM_THREADS=1), and
nothing else to the machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.md.melchionna import MelchionnaNPT
from ase.md.velocitydistribution import thermalize_momenta

import softfix
from softfix.calculator import SKIN, CorrectedCalculator
from softfix.correct import beside, change_of
from softfix.correction import Correction, DataRecord, FitRecord
from softfix.data.frames import Frame
from softfix.data.labels import atoms_of
from softfix.files import atomic_path
from softfix.fitting import fit
from softfix.neighbours import Search
from softfix.prior import choose_basis
from softfix.settings import FitSettings
from softfix.svg import drawing

EXAMPLES = Path(__file__).parents[2] / "examples" / "HfO2" / "train.extxyz"
FREE = 20  # first steps of MD, in which compiling is allowed
HERE = Path(__file__).parent
CELLS = {
    12: (1, 1, 1),
    24: (2, 1, 1),
    96: (2, 2, 2),
    324: (3, 3, 3),
    768: (4, 4, 4),
    2592: (6, 6, 6),
    10368: (12, 9, 8),
}
ELEMENTS = ("Cu", "Au", "Ag", "Ni", "Pd")
WARM = 3  # steps of each kind before any is timed: at first every page of memory is a new one
MOVE = 0.005  # Å, of each atom between steps


def seconds(function: Callable[[], object], repeats: int) -> list[tuple[float, float]]:
    """CPU and wall times of a function."""
    found = []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        function()
        found.append((time.process_time() - cpu, time.perf_counter() - wall))
    return found


def paired(spec: str, sizes: list[int], pairs: int) -> list[dict]:
    """Base against corrected steps for supercells of HfO2, fitted to the frames of the example."""
    frames = softfix.read_frames(EXAMPLES)
    base = softfix.load_base(spec)
    calculator = CorrectedCalculator(base, fit(frames, base).correction)
    return [_pair(spec, calculator, frames[1], size, pairs) for size in sizes]


def _pair(spec: str, calculator: CorrectedCalculator, frame: Frame, size: int, pairs: int) -> dict:
    atoms = atoms_of(frame) * CELLS[size]
    rng = np.random.default_rng(0)

    def step(potential) -> Callable[[], object]:
        def move() -> None:
            atoms.positions += rng.normal(scale=MOVE, size=atoms.positions.shape)
            potential.get_property("forces", atoms)

        return move

    alone, whole = step(calculator.base), step(calculator)
    for _ in range(WARM):
        whole()
        alone()
    times = np.array([[*seconds(alone, 1), *seconds(whole, 1)] for _ in range(pairs)])  # pair, base/corrected, cpu/wall
    ratio = np.median(times[:, 1] / times[:, 0], axis=0)
    added = np.array(seconds(_added(calculator.correction, atoms, rng), 5))
    base = np.median(times[:, 0], axis=0)
    record = {
        "base": spec.split("/")[-1],
        "atoms": len(atoms),
        "base_cpu_s": base[0],
        "base_wall_s": base[1],
        "ratio_cpu": ratio[0],
        "ratio_wall": ratio[1],
        "correction_cpu_s": np.median(added[:, 0]),
        "correction_over_base_cpu": np.median(added[:, 0]) / base[0],
    }
    print(
        f"{record['base']:28s} {len(atoms):6d} atoms: base {base[1]:8.3f} s, corrected/base {ratio[1]:.3f} (CPU time "
        f"{ratio[0]:.3f}), the correction's own part {100 * record['correction_over_base_cpu']:.1f} % of the base",
        flush=True,
    )
    return record


def _added(correction: Correction, atoms, rng) -> Callable[[], object]:
    """One step of the correction without its base."""
    search = Search(correction.basis.cutoff, SKIN)

    def step() -> None:
        atoms.positions += rng.normal(scale=MOVE, size=atoms.positions.shape)
        frame = Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)
        beside(correction, frame, change_of(correction, frame, search), 0.0)

    step()
    return step


def alone(species: int, sizes: list[int], repeats: int) -> list[dict]:
    """Correction without a base, in fcc alloys of some elements."""
    correction, records = made_up(species), []
    for size in sizes:
        atoms = crystal(species, size)
        times = np.array(seconds(_added(correction, atoms, np.random.default_rng(1)), repeats))
        cpu, wall = np.median(times, axis=0)
        records.append({"species": species, "atoms": len(atoms), "cpu_s": cpu, "wall_s": wall})
        print(f"{species} species, {len(atoms):6d} atoms: {1e6 * cpu / len(atoms):.0f} µs per atom", flush=True)
    return records


def crystal(species: int, size: int):
    """Rattled fcc alloy of about `size` atoms."""
    edge = max(round((size / 4) ** (1 / 3)), 1)
    atoms = bulk("Cu", "fcc", a=3.9, cubic=True) * (edge, edge, max(round(size / 4 / edge**2), 1))
    rng = np.random.default_rng(0)
    atoms.symbols[:] = rng.choice(ELEMENTS[:species], len(atoms))
    atoms.symbols[:species] = ELEMENTS[:species]
    atoms.rattle(0.05, rng=rng)
    return atoms


def made_up(species: int) -> Correction:
    """A correction with small random weights and the default basis: what a step costs does not depend on them."""
    numbers = tuple(sorted(set(bulk_numbers(species))))
    basis = choose_basis(species, FitSettings())
    return Correction(
        base=softfix.load_base(EMT()).identity,
        elements=numbers,
        basis=basis,
        scale=0.05,
        reference_energies=np.zeros(species),
        offsets=np.zeros(species),
        weights=1e-3 * np.random.default_rng(0).normal(size=(species, basis.features)),
        covariance_root=np.zeros((1, 1)),
        data=DataRecord(frames=0, atoms=0, sha256="", sources=[], labels_from=[], levels_of_theory=[]),
        fit=FitRecord(
            status="made up", terms=[], domain="global", held_out=None, calibration=1.0, base_force_error_eV_A=0.0,
            amplitude_eV={}, noise={}, force_scale_eV_A=1.0, rows={}, log_evidence=0.0,
        ),
    )  # fmt: skip


def bulk_numbers(species: int) -> list[int]:
    """Atomic numbers of the first elements."""
    from ase.data import atomic_numbers

    return [atomic_numbers[symbol] for symbol in ELEMENTS[:species]]


def compilations(steps: int, free: int) -> dict:
    """Compilations in NPT MD of an alloy at 600 K: all, and those after the first `free` steps."""
    counted = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, *_, **__: counted.append(name) if name.endswith("backend_compile_duration") else None
    )
    atoms = crystal(2, 108)
    atoms.calc = CorrectedCalculator(EMT(), made_up(2), any_base=True)
    thermalize_momenta(atoms, temperature_K=600, rng=np.random.default_rng(0))
    atoms.set_cell(np.triu(atoms.cell.array), scale_atoms=True)
    run = MelchionnaNPT(
        atoms,
        4 * units.fs,
        temperature_K=600,
        externalstress=0.0,
        ttime=40 * units.fs,
        pfactor=100 * units.GPa * (200 * units.fs) ** 2,
    )
    volumes = []
    run.run(free)
    before = len(counted)
    run.attach(lambda: volumes.append(atoms.get_volume()))
    run.run(steps - free)
    record = {
        "steps": steps, "in_the_first": free, "compilations": before, "later": len(counted) - before,
        "volume_from": min(volumes) / len(atoms), "volume_to": max(volumes) / len(atoms),
    }  # fmt: skip
    print(
        f"NPT, {steps} steps, {record['volume_from']:.2f} to {record['volume_to']:.2f} Å^3 per atom: {before} "
        f"compilations in the first {free} steps, {record['later']} later"
    )
    return record


def draw(found: dict, path: Path) -> None:
    """Ratio of the steps, and time of the correction per atom."""
    with drawing(path, 9.0, 3.6) as figure:
        _panels(found, *figure.subplots(1, 2))


def _panels(found: dict, left, right) -> None:
    for base in dict.fromkeys(record["base"] for record in found["paired"]):
        mine = [record for record in found["paired"] if record["base"] == base]
        left.plot([r["atoms"] for r in mine], [r["ratio_wall"] for r in mine], "o-", label=base)
    left.axhline(1.05, color="0.6", linestyle=":", label="1.05")
    left.set(xscale="log", xlabel="atoms (HfO$_2$)", ylabel="corrected step / base step")
    left.legend(frameon=False)
    for species in dict.fromkeys(record["species"] for record in found["alone"]):
        mine = [record for record in found["alone"] if record["species"] == species]
        per_atom = [1e6 * r["cpu_s"] / r["atoms"] for r in mine]
        right.plot([r["atoms"] for r in mine], per_atom, "o-", label=f"{species} species")
    right.set(xscale="log", yscale="log", xlabel="atoms (fcc alloys)", ylabel="correction alone, µs CPU per atom")
    right.legend(frameon=False)


def main() -> None:
    """Measure what is asked for, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", action="append", default=[], help="potential to correct; repeat")
    parser.add_argument("--atoms", action="append", type=int, choices=CELLS, help="supercells for --base; repeat")
    parser.add_argument("--pairs", type=int, default=5, help="steps of each kind")
    parser.add_argument("--alone", action="append", type=int, help="atoms for the correction alone; repeat")
    parser.add_argument("--species", action="append", type=int, choices=range(1, 6))
    parser.add_argument("--steps", type=int, default=200, help="of NPT MD")
    parser.add_argument("--json", type=Path, default=HERE / "step_time.json")
    parser.add_argument("--figure", type=Path, default=HERE / "step_time.svg", help="SVG file")
    chosen = parser.parse_args()
    if chosen.steps <= FREE:
        parser.error(f"--steps must be more than {FREE}: the steps after these are looked at.")
    warnings.filterwarnings("ignore", message="Converting a tensor")  # chgnet under newer torch, in every prediction
    found: dict = {"npt": compilations(chosen.steps, FREE), "paired": [], "alone": []}
    for species in chosen.species or range(1, 6):
        found["alone"] += alone(species, chosen.alone or [8, 100, 1000, 10000], 5)
    for spec in [None, *chosen.base]:
        found["paired"] += paired(spec, chosen.atoms or [12, 96, 324, 768], chosen.pairs) if spec else []
        found["peak_memory_GiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        with atomic_path(chosen.json) as temporary:  # after every base: those of a run that was stopped stay
            temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        draw(found, chosen.figure)
    print(f"peak memory {found['peak_memory_GiB']:.2f} GiB; wrote {chosen.json} and {chosen.figure}")


if __name__ == "__main__":
    main()
