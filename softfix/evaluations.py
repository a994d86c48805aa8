"""What the base says about each frame, kept on disk, so that a second fit needs no torch."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from softfix.bases.sites import SiteBase, Sites, has_sites, in_batches
from softfix.device import share_gpu
from softfix.errors import SoftfixError
from softfix.files import atomic_path, cache_folder

if TYPE_CHECKING:
    from softfix.bases.protocol import Base
    from softfix.data.frames import Frame
    from softfix.workers import Workers

BATCH_FRAMES, BATCH_ATOMS = 16, 256  # evaluated, then written, at once


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Energy, forces and stress that a potential gives for one frame."""

    energy: float  # eV
    forces: np.ndarray  # (atoms, 3) eV/Å
    stress: np.ndarray | None  # (6,) eV/Å^3, Voigt xx yy zz yz xz xy, tension positive; None without a cell
    sites: np.ndarray | None = None  # (atoms,) eV, site energies, where they were asked for

    def __sub__(self, other: Evaluation) -> Evaluation:
        """Difference of two structures with the same atoms; site energies stay those of the first."""
        stress = None if self.stress is None or other.stress is None else self.stress - other.stress
        return Evaluation(self.energy - other.energy, self.forces - other.forces, stress, self.sites)


class EvaluationCache:
    """One small file per frame and base; the key is the base's identity and the frame's geometry."""

    def __init__(self, base_key: str, folder: Path | None = None):
        self.folder = (folder or cache_folder()) / "evaluations" / base_key[:32]

    def path(self, frame: Frame) -> Path:
        """File of one frame."""
        return self.folder / f"{frame.content_hash}.npz"

    def read(self, frame: Frame) -> Evaluation | None:
        """Stored evaluation, or None where there is none or its file is damaged (it is then made anew)."""
        try:
            with self.path(frame).open("rb") as stream, np.load(stream) as stored:
                stress = stored.get("stress")
                return Evaluation(float(stored["energy"]), stored["forces"], stress, stored.get("sites"))
        except FileNotFoundError:
            return None
        except (zipfile.BadZipFile, ValueError, KeyError, EOFError):
            return None

    def write(self, frame: Frame, evaluation: Evaluation) -> None:
        """Store one evaluation atomically."""
        arrays = {"energy": np.asarray(evaluation.energy), "forces": evaluation.forces}
        if evaluation.stress is not None:
            arrays["stress"] = evaluation.stress
        if evaluation.sites is not None:
            arrays["sites"] = evaluation.sites
        with atomic_path(self.path(frame)) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]  # numpy types its keywords as booleans


def evaluate_base(
    base: Base,
    frames: Sequence[Frame],
    cache: EvaluationCache | None = None,
    track: Callable[[Iterable], Iterable] = iter,
    sites: bool = False,
    workers: Workers | None = None,
) -> list[Evaluation]:
    """Evaluate the base on every frame, out of the cache where it can; frames with a reference give differences.

    Args:
        base: the potential; its calculator is built only if a frame is not in the cache.
        frames: structures to evaluate.
        cache: where to look first; the user's cache folder by default.
        track: wraps the frames that are gone through, e.g. in a progress bar.
        sites: whether site energies are wanted too; left out where the base cannot tell them.
        workers: who evaluates, batch by batch; this process by default.

    Raises:
        SoftfixError: if the base does not know an element of a frame, gives a non-finite number, or can't be sent to
            the workers.
    """
    share_gpu()
    check_elements(base, frames)
    cache = cache or EvaluationCache(base.identity.key)
    evaluate = Evaluator(base, sites and has_sites(base))
    if workers and not workers.alone and (batches := _missing(frames, cache, evaluate)):
        from softfix.shared_evaluations import fill

        fill(cache, base, batches, evaluate.sites, workers, track)
        track = iter
    results: list[Evaluation] = []
    for part in _parts(track(frames)):
        geometries = _geometries(part)
        found = {key: cache.read(frame) for key, frame in geometries.items()}
        missing = {key: frame for key, frame in geometries.items() if not evaluate.has_all(found[key])}
        for (key, frame), evaluation in zip(missing.items(), evaluate(list(missing.values())), strict=True):
            cache.write(frame, evaluation)
            found[key] = evaluation
        for frame in part:
            mine, its = (found[each.content_hash] if each else None for each in (frame, frame.reference))
            results.append(mine if its is None else mine - its)  # type: ignore[arg-type, operator]  # all are found
    return results


def _parts(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Frames in batches: what a kill can cost."""
    part: list[Frame] = []
    for frame in frames:
        if part and (len(part) == BATCH_FRAMES or sum(map(len, part)) + len(frame) > BATCH_ATOMS):
            yield part
            part = []
        part.append(frame)
    if part:
        yield part


def _geometries(frames: Iterable[Frame]) -> dict[str, Frame]:
    return {each.content_hash: each for frame in frames for each in (frame, frame.reference) if each}


def _missing(frames: Sequence[Frame], cache: EvaluationCache, evaluator: Evaluator) -> list[list[Frame]]:
    """Batches of what is not in the cache: those that one process would make."""
    planned, batches = set[str](), []
    for part in _parts(frames):
        new = {key: frame for key, frame in _geometries(part).items() if key not in planned}
        if batch := [frame for frame in new.values() if not evaluator.has_all(cache.read(frame))]:
            batches.append(batch)
        planned |= set(new)
    return batches


class Evaluator:
    """A base whose calculator is built when the first frame needs it."""

    def __init__(self, base: Base, sites: bool):
        self.base, self.sites = base, sites
        self.calculator = lru_cache(base.calculator)

    def has_all(self, stored: Evaluation | None) -> bool:
        """Whether nothing is missing of what was stored."""
        return stored is not None and (not self.sites or stored.sites is not None)

    def __call__(self, frames: Sequence[Frame]) -> Iterator[Evaluation]:
        """Evaluations in order: in one batch where the base can, else one by one."""
        if not self.sites and not in_batches(self.base):
            yield from (evaluate_frame(self.calculator(), frame) for frame in frames)
        elif in_batches(self.base) and len(frames) > 1:
            found = self.base.batch(self.calculator(), [atoms_of(frame) for frame in frames])
            yield from (_of_sites(*each) for each in zip(frames, found, strict=True))
        else:
            site_base = cast(SiteBase, self.base)
            for frame in frames:
                yield _of_sites(frame, site_base.sites(self.calculator(), atoms_of(frame), np.ones(len(frame))))


def _of_sites(frame: Frame, sites: Sites) -> Evaluation:
    stress = sites.stress if frame.volume > 0.0 else None
    return _finite(frame, sites.results["free_energy"], sites.forces, stress, sites.energies)


def check_elements(base: Base, frames: Sequence[Frame]) -> None:
    """Raise a SoftfixError if a frame holds an element that the base does not know."""
    from ase.data import chemical_symbols

    if base.elements is None:
        return
    for frame in frames:
        if unknown := sorted(set(frame.numbers.tolist()) - base.elements):
            names = ", ".join(chemical_symbols[z] for z in unknown)
            raise SoftfixError(
                f"{frame.source} holds {names}, which base {base.identity.spec} does not know: "
                "leave the frame out or choose a base that was trained on it."
            )


def atoms_of(frame: Frame):
    """The structure of a frame as ASE's Atoms."""
    from ase import Atoms

    return Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=frame.pbc)


def evaluate_frame(calculator, frame: Frame) -> Evaluation:
    """Energy, forces and (with a cell) stress of one frame by an ASE calculator in softfix's dialect."""
    from ase.calculators.calculator import PropertyNotImplementedError

    atoms = atoms_of(frame)
    atoms.calc = calculator
    energy = float(atoms.get_potential_energy(force_consistent=True))
    forces = np.asarray(atoms.get_forces(), dtype=np.float64)
    stress = None
    if frame.volume > 0.0:
        try:
            stress = np.asarray(atoms.get_stress(), dtype=np.float64)
        except (PropertyNotImplementedError, NotImplementedError):
            stress = None  # a base without stress is corrected in energy and forces alone
    return _finite(frame, energy, forces, stress)


def _finite(
    frame: Frame, energy: float, forces: np.ndarray, stress: np.ndarray | None, sites: np.ndarray | None = None
) -> Evaluation:
    if not (np.isfinite(energy) and np.isfinite(forces).all() and (stress is None or np.isfinite(stress).all())):
        raise SoftfixError(f"{frame.source}: the base gives a number that is not finite; look at its geometry.")
    return Evaluation(energy, forces, stress, sites)
