"""Do the cells of a plan that are not done yet, in this process or in several."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from softfix.bases import load_base
from softfix.benchmark.cells import Cell, Plan, Result, Store
from softfix.benchmark.methods import METHODS, Method
from softfix.benchmark.systems import System, draw
from softfix.errors import SoftfixError
from softfix.evaluations import evaluate_base
from softfix.measure import measure, report
from softfix.workers import Coming

if TYPE_CHECKING:
    from softfix.bases.protocol import Base, Identity

Task = tuple[Cell, System, Method]


def run(
    systems: Sequence[System], plan: Plan, path: Path, workers: int = 1, again: Sequence[str] = (),
    track: Callable[[Iterable], Iterable] = iter, methods: Mapping[str, Method] = METHODS,
) -> Store:  # fmt: skip
    """Measure every cell of a plan that `path` does not hold yet; each is written as soon as it is done.

    Args:
        systems: where the frames are.
        plan: methods, sizes, draws.
        path: file of results, read first and added to.
        workers: processes, one thread each; with 1 everything happens in this process.
        again: methods whose cells are measured anew.
        track: wraps the cells, e.g. in a progress bar.
        methods: what the names in the plan stand for.

    Raises:
        SoftfixError: for an unknown method, or from a cell (named in the message).
    """
    if unknown := sorted(set(plan.methods) - set(methods)):
        raise SoftfixError(f"There is no method {', '.join(unknown)}; there are {', '.join(methods)}.")
    store, by_name = Store(path), {system.name: system for system in systems}
    identities = {spec: load_base(spec).identity for spec in plan.bases}
    cells = plan.cells({system.name: len(system.train_frames()) for system in systems})
    todo = [
        (cell, by_name[cell.system], methods[cell.method])
        for cell in cells
        if cell.method in again or not _measured(store, cell, methods[cell.method], identities[cell.base])
    ]
    for result in track(_results(todo, workers)):
        store.add(result)
    store.compact()
    return store


def _measured(store: Store, cell: Cell, method: Method, base: Identity) -> bool:
    return store.has(cell, method.digest(base.family), base.key[:16])


def _results(todo: list[Task], workers: int) -> Coming[Result]:
    if workers == 1:
        return Coming((measure_cell(*task) for task in todo), len(todo))
    return Coming(_in_parallel(todo, workers), len(todo))


def _in_parallel(todo: list[Task], workers: int) -> Iterator[Result]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        yield from _as_done(pool, todo, workers)


def _as_done(pool: Executor, todo: list[Task], workers: int) -> Iterator[Result]:
    """Results in the order of their ends; only a few cells wait in the pool, so that an error stops soon."""
    left, running = iter(todo), set[Future[Result]]()
    while True:
        while len(running) < workers and (task := next(left, None)) is not None:
            running.add(pool.submit(measure_cell, *task))
        if not running:
            return
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


def _one_thread() -> None:
    """One thread per process, before any numeric library starts its own."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"


def measure_cell(cell: Cell, system: System, method: Method) -> Result:
    """Fit one draw with one method and measure it on all test frames."""
    base = _base(cell.base)
    test = _frames(system, "test")
    train = draw(_frames(system, "train"), cell.k, cell.seed)
    evaluate_base(base, [*train, *test])  # into the cache: what it costs is not the method's
    wall, cpu = time.perf_counter(), _cpu_seconds()
    try:
        predictions = method.predict(train, test, base, cell.seed)
    except SoftfixError as error:
        raise SoftfixError(f"{cell.method} on {cell.system}, k = {cell.k}, draw {cell.seed}: {error}") from error
    wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
    groups = report(test, predictions, None).config_type
    return Result(
        **cell.model_dump(),
        digest=method.digest(base.identity.family),
        base_key=base.identity.key[:16],
        measures=measure(test, predictions),
        config_type={name: group.base.force_mae_eV_A for name, group in groups.items()},
        wall_s=wall,
        cpu_s=cpu,
    )


def _cpu_seconds() -> float:
    """CPU time of this process and of its children that ended: peers work in processes of their own."""
    return sum(os.times()[:4])


@lru_cache(maxsize=8)
def _base(spec: str) -> Base:
    return load_base(spec)


@lru_cache(maxsize=16)
def _frames(system: System, part: str) -> list:
    return system.train_frames() if part == "train" else system.test_frames()
