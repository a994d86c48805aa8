"""Does the data doctor find faults, and leave clean files alone?

    python calibration/doctor/faults.py FILE... [--base chgnet] [--known NAME:CHECK] [--json FILE]

Each kind of fault is put into each file of frames in turn (by a fixed seed) and counts as found if the doctor says
something of the right kind, about a frame that was spoilt, that it does not say of the clean file. What it says of
clean files is false unless `--known NAME:CHECK` says that it was looked into and is true. Printed: found of injected
per kind and file, and the share of (file, check) pairs and of frames with a false finding.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from ase.data import atomic_numbers
from pydantic import BaseModel
from rich.table import Table

from softfix import screen
from softfix.bases import load_base
from softfix.data import Frame
from softfix.data.read import read_unchecked
from softfix.doctor import CHECKS, Diagnosis, examine
from softfix.doctor.symmetry import operations
from softfix.files import atomic_path
from softfix.measure import GPA

SHIFTED = 0.3  # share of frames that come from another functional
DOPANTS = ("Pt", "Ni", "Ag")


@dataclass(frozen=True)
class Spoilt:
    """Frames with a fault, which of them have it, and the frames held out."""

    frames: list[Frame]
    where: Sequence[int]
    test: Sequence[Frame] = ()


Fault = Callable[[list[Frame], np.random.Generator], Spoilt | None]


def every(change: Callable[[Frame], Frame], needs: str) -> Fault:
    """The same change of every frame; None where a frame lacks the label."""

    def fault(frames: list[Frame], rng: np.random.Generator) -> Spoilt | None:
        if any(getattr(frame, needs) is None for frame in frames):
            return None
        return Spoilt([change(frame) for frame in frames], range(len(frames)))

    return fault


def some(change: Callable[[Frame, np.random.Generator], Frame], needs: str, share: float = 0.04) -> Fault:
    """A change of a share of the frames, at least one, drawn at random."""

    def fault(frames: list[Frame], rng: np.random.Generator) -> Spoilt | None:
        if any(getattr(frame, needs) is None for frame in frames):
            return None
        where = sorted(rng.permutation(len(frames))[: max(1, round(share * len(frames)))].tolist())
        return Spoilt([change(frame, rng) if i in where else frame for i, frame in enumerate(frames)], where)

    return fault


def stress_times(factor: float) -> Fault:
    """Every stress by a factor."""
    return every(lambda frame: replace(frame, stress=factor * frame.stress), "stress")


def units(energy: float, force: float) -> Fault:
    """Energies in units of `energy` eV and forces in units of `force` eV/Å."""
    return every(
        lambda frame: replace(
            frame, energy=None if frame.energy is None else frame.energy / energy, forces=frame.forces / force
        ),
        "forces" if energy == 1.0 else "energy",
    )  # fmt: skip


def virials(frame: Frame) -> Frame:
    """Virials where the stress belongs."""
    return replace(frame, stress=-frame.volume * frame.stress)


def vasp_order(frame: Frame) -> Frame:
    """Stress as xx yy zz xy yz zx."""
    return replace(frame, stress=frame.stress[[0, 1, 2, 5, 3, 4]])


def sigma_to_zero(frame: Frame) -> Frame:
    """The energy extrapolated to sigma -> 0 where the file holds the free energy too."""
    energy = frame.energy + 3e-3 * len(frame)
    return replace(frame, energy=energy, energies={"energy": energy, "free_energy": frame.energy})


def off(frame: Frame, rng: np.random.Generator) -> Frame:
    """An energy 0.1 eV/atom off."""
    return replace(frame, energy=frame.energy + 0.1 * len(frame) * rng.choice((-1, 1)))


def drift(frame: Frame, rng: np.random.Generator) -> Frame:
    """Forces that do not add up to zero: 0.04 eV/Å on every atom."""
    return replace(frame, forces=frame.forces + 0.04 * np.array([1.0, -1.0, 1.0]) / np.sqrt(3))


def unconverged(frame: Frame, rng: np.random.Generator) -> Frame:
    """Noise in forces as large as the forces, at least 0.3 eV/Å, without a net force."""
    size = max(0.3, float(np.sqrt((frame.forces**2).mean())))
    noise = size * rng.normal(size=frame.forces.shape)
    return replace(frame, forces=frame.forces + noise - noise.mean(axis=0))


def another_functional(frames: list[Frame], rng: np.random.Generator) -> Spoilt | None:
    """Some frames with energies of another functional: 0.3 to 0.8 eV more per atom, by element."""
    shift = {z: rng.uniform(0.3, 0.8) for z in sorted({int(z) for frame in frames for z in frame.numbers})}
    change = some(lambda one, _: replace(one, energy=one.energy + sum(shift[int(z)] for z in one.numbers)), "energy",
                  SHIFTED)  # fmt: skip
    return change(frames, rng) if len(frames) >= 16 else None


def hubbard(frames: list[Frame], rng: np.random.Generator) -> Spoilt | None:
    """Some frames with +U: 2 eV more per atom of the heaviest element."""
    heavy = max(int(z) for frame in frames for z in frame.numbers)
    change = some(lambda one, _: replace(one, energy=one.energy + 2.0 * np.count_nonzero(one.numbers == heavy)),
                  "energy", SHIFTED)  # fmt: skip
    return change(frames, rng) if len(frames) >= 16 else None


def copied(frames: list[Frame], rng: np.random.Generator) -> Spoilt:
    """One frame once more, at the end."""
    one = frames[rng.integers(len(frames))]
    return Spoilt([*frames, replace(one, source=_behind(frames))], [len(frames)])


def relabelled(frames: list[Frame], rng: np.random.Generator) -> Spoilt:
    """One frame once more, with labels of another calculation."""
    one = frames[rng.integers(len(frames))]
    energy = None if one.energy is None else one.energy + 5e-3 * len(one)
    noise = rng.normal(size=one.forces.shape) * 0.02
    again = replace(one, energy=energy, forces=one.forces + noise - noise.mean(axis=0), source=_behind(frames))
    return Spoilt([*frames, again], [len(frames)])


def leaked(frames: list[Frame], rng: np.random.Generator) -> Spoilt:
    """A training frame in the test file, moved as a whole."""
    one = frames[rng.integers(len(frames))]
    source = "held-out.extxyz, frame 1"
    return Spoilt(frames, [0], [replace(one, positions=one.positions + 0.1, source=source)])


def asymmetric(frames: list[Frame], rng: np.random.Generator) -> Spoilt | None:
    """Forces of 0.1 eV/Å that symmetry forbids, on the frame of the highest symmetry."""
    best = max(range(len(frames)), key=lambda i: _operations(frames[i]))
    if _operations(frames[best]) < 4 or len(frames[best]) < 2:
        return None
    noise = rng.normal(size=frames[best].forces.shape) * 0.1
    bad = replace(frames[best], forces=frames[best].forces + noise - noise.mean(axis=0))
    return Spoilt([bad if i == best else frame for i, frame in enumerate(frames)], [best])


def collision(frames: list[Frame], rng: np.random.Generator) -> Spoilt:
    """An atom 0.45 of the distance from its nearest neighbour."""
    where = int(rng.integers(len(frames)))
    frame = frames[where]
    apart = frame.positions[1:] - frame.positions[0]
    fractional = np.linalg.solve(frame.cell.T, apart.T).T
    apart = (fractional - np.round(fractional)) @ frame.cell
    nearest = apart[np.argmin(np.linalg.norm(apart, axis=1))]
    positions = frame.positions.copy()
    positions[0] += 0.55 * nearest
    return Spoilt([replace(frame, positions=positions) if i == where else f for i, f in enumerate(frames)], [where])


def dopant(frames: list[Frame], rng: np.random.Generator) -> Spoilt:
    """One atom of an element that stands nowhere else."""
    where = int(rng.integers(len(frames)))
    known = {int(z) for frame in frames for z in frame.numbers}
    numbers = frames[where].numbers.copy()
    numbers[0] = next(atomic_numbers[name] for name in DOPANTS if atomic_numbers[name] not in known)
    return Spoilt([replace(f, numbers=numbers) if i == where else f for i, f in enumerate(frames)], [where])


def _behind(frames: list[Frame]) -> str:
    return f"{frames[0].source.rpartition(', frame ')[0]}, frame {len(frames) + 1}"


def _operations(frame: Frame) -> int:
    return len({rotation.tobytes() for rotation, _ in operations(frame)})


KINDS: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "stress in GPa": (stress_times(GPA), ("stress-units",)),
    "stress in kbar of VASP's sign": (stress_times(-10 * GPA), ("stress-units",)),
    "stress of the other sign": (stress_times(-1.0), ("stress-units",)),
    "virials as stress": (every(virials, "stress"), ("stress-units",)),
    "shears in VASP's order": (every(vasp_order, "stress"), ("stress-order",)),
    "sigma -> 0 energies": (every(sigma_to_zero, "energy"), ("energy-kind",)),
    "energy inconsistent with forces": (some(off, "energy"), ("energy-forces", "tail")),
    "another functional": (another_functional, ("functional", "levels", "energy-forces")),
    "+U in some frames": (hubbard, ("functional", "levels", "energy-forces")),
    "copies": (copied, ("copies",)),
    "copies relabelled": (relabelled, ("copies-relabelled",)),
    "net force": (some(drift, "forces"), ("net-force",)),
    "forbidden forces": (asymmetric, ("symmetry",)),
    "unconverged frames": (some(unconverged, "forces"), ("tail",)),
    "atoms too close": (collision, ("close-atoms", "refused")),
    "test frames in training": (leaked, ("leaked",)),
    "one environment": (dopant, ("one-environment",)),
    "energies in Hartree": (units(27.211386, 1.0), ("units",)),
    "energies in kcal/mol": (units(0.0433641, 1.0), ("units",)),
    "forces in Rydberg/bohr": (units(1.0, 25.711034), ("units",)),
    "forces in eV/bohr": (units(1.0, 1.8897261), ("units",)),
    "gradients as forces": (units(1.0, -1.0), ("units",)),
    "all in atomic units": (units(27.211386, 51.422067), ("units",)),
    "all in kcal/mol": (units(0.0433641, 0.0433641), ("units",)),
}


class Case(BaseModel):
    """One fault in one file."""

    kind: str
    file: str
    found: bool
    said: list[str]  # checks that said something new


class Clean(BaseModel):
    """What is said of one clean file."""

    file: str
    frames: int
    said: list[str]
    false: list[str]
    false_frames: int


class Outcome(BaseModel):
    """All cases and the rates."""

    base: str | None
    checks: int
    cases: list[Case]
    clean: list[Clean]
    kinds: int
    kinds_found_everywhere: int
    kinds_mostly_found: int  # in at least 3 files and in two thirds of them
    found_share: float
    false_share_of_checks: float  # (file, check) pairs with a false finding
    false_share_of_frames: float


def main(
    files: list[Path],
    base: Annotated[str | None, typer.Option(help="Base; without one, what the data alone tell.")] = None,
    known: Annotated[list[str] | None, typer.Option(help="NAME:CHECK of a true finding on a clean file.")] = None,
    seed: int = 0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Spoil, examine, print."""
    warnings.simplefilter("ignore")
    potential = load_base(base) if base else None
    cases, clean = [], []
    with screen.progress("files") as track:
        for path in track(files):
            frames = read_unchecked(path)
            healthy = examine(frames, potential)
            clean.append(_clean(path, healthy, known or []))
            cases += _cases(path, frames, healthy, potential, seed)
    outcome = _outcome(base, cases, clean)
    if json_file:
        with atomic_path(json_file) as temporary:
            temporary.write_text(outcome.model_dump_json(indent=1), encoding="utf-8")
    _show(outcome)


def _clean(path: Path, healthy: Diagnosis, known: Sequence[str]) -> Clean:
    false = [f for f in healthy.findings if f"{_name(path)}:{f.check}" not in known]
    named = {(frame.file, frame.number) for finding in false for frame in finding.frames}
    said = [finding.check for finding in healthy.findings]
    return Clean(
        file=_name(path), frames=healthy.frames, said=said, false=[f.check for f in false], false_frames=len(named)
    )  # fmt: skip


def _cases(path: Path, frames: list[Frame], healthy: Diagnosis, potential, seed: int) -> list[Case]:
    cases = []
    before = {(finding.check, finding.what) for finding in healthy.findings}
    for number, (kind, (fault, expected)) in enumerate(KINDS.items()):
        spoilt = fault(frames, np.random.default_rng([seed, number]))
        if spoilt is None:
            continue
        found = examine(spoilt.frames, potential, spoilt.test)
        new = [finding for finding in found.findings if (finding.check, finding.what) not in before]
        bad = {spoilt.frames[i].source for i in spoilt.where} | {frame.source for frame in spoilt.test}
        hit = any(
            finding.check in expected and any(f"{f.file}, frame {f.number}" in bad for f in finding.frames)
            for finding in new
        )
        cases.append(Case(kind=kind, file=_name(path), found=hit, said=sorted({finding.check for finding in new})))
    return cases


def _outcome(base: str | None, cases: list[Case], clean: list[Clean]) -> Outcome:
    rates = {kind: [case.found for case in cases if case.kind == kind] for kind in KINDS}
    tried = {kind: found for kind, found in rates.items() if found}
    checks = len(CHECKS) + 1
    return Outcome(
        base=base,
        checks=checks,
        cases=cases,
        clean=clean,
        kinds=len(tried),
        kinds_found_everywhere=sum(all(found) for found in tried.values()),
        kinds_mostly_found=sum(len(found) >= 3 and np.mean(found) >= 2 / 3 for found in tried.values()),
        found_share=float(np.mean([case.found for case in cases])),
        false_share_of_checks=sum(len(set(one.false)) for one in clean) / (checks * len(clean)),
        false_share_of_frames=sum(one.false_frames for one in clean) / sum(one.frames for one in clean),
    )


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name.split('.')[0]}"


def _show(outcome: Outcome) -> None:
    files = [one.file for one in outcome.clean]
    table = Table(title=f"faults found ({outcome.base or 'without a base'})", title_justify="left")
    table.add_column("kind")
    table.add_column("found", justify="right")
    table.add_column("missed in")
    for kind in KINDS:
        cases = [case for case in outcome.cases if case.kind == kind]
        missed = [case.file.rpartition("/")[2] for case in cases if not case.found]
        table.add_row(kind, f"{len(cases) - len(missed)} of {len(cases)}" if cases else "-", ", ".join(missed))
    screen.console.print(table)
    for one in outcome.clean:
        if one.said:
            screen.say(f"clean {one.file}: {', '.join(one.said)}; false: {', '.join(one.false) or 'none'}")
    screen.say(
        f"{outcome.kinds} kinds in {len(files)} files: {outcome.kinds_found_everywhere} found wherever injected, "
        f"{outcome.kinds_mostly_found} in two thirds of at least 3 files; {outcome.found_share:.1%} of all cases; "
        f"false: {outcome.false_share_of_checks:.2%} of (file, check) pairs, "
        f"{outcome.false_share_of_frames:.2%} of frames"
    )


if __name__ == "__main__":
    typer.run(main)
