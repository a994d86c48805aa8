"""Who labels: this process, processes of this machine, a dask scheduler, or SLURM."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from softfix.data.reason import reason_of
from softfix.errors import SoftfixError
from softfix.label.outcome import Outcome, Task, label_one

if TYPE_CHECKING:
    from distributed import Client, Future

SCHEDULER = {
    "distributed.scheduler.allowed-failures": 0,  # the second attempt is ours
    "distributed.scheduler.worker-saturation": 1.0,  # frames wait with the scheduler, not on a worker that may die
}
ALONE = "its worker was killed on it, with no other frame running (out of memory?)"


@dataclass(frozen=True)
class Workers:
    """How many processes, and whose."""

    count: int = 1  # with 1 everything happens in this process; jobs, with SLURM
    scheduler: str | None = None  # address of a dask scheduler
    slurm: bool = False  # jobs as ~/.config/dask/jobqueue.yaml describes them

    def __post_init__(self):
        if self.scheduler and self.slurm:
            raise SoftfixError("Give --scheduler or --slurm, not both.")

    def outcomes(self, tasks: Sequence[Task]) -> Outcomes:
        """Outcomes of the tasks in the order of their ends; a worker that dies costs its frame, not the run."""
        alone = self.count == 1 and not self.scheduler and not self.slurm
        return Outcomes(map(label_one, tasks) if alone or not tasks else _through_dask(self, tasks), len(tasks))


class Outcomes:
    """Outcomes that are yet to come, with their number, so that a progress bar knows its end."""

    def __init__(self, outcomes: Iterator[Outcome], count: int):
        self.outcomes, self.count = outcomes, count

    def __iter__(self) -> Iterator[Outcome]:
        return self.outcomes

    def __len__(self) -> int:
        return self.count


def _through_dask(workers: Workers, tasks: Sequence[Task]) -> Iterator[Outcome]:
    """All tasks; then, one by one, those that were on a worker that died, so that the blame is certain."""
    with _client(workers) as client:
        suspects = list[Task]()
        for task, outcome in _as_done(client, tasks, workers.count):
            if outcome is None:
                suspects.append(task)
            else:
                yield outcome
        for suspect in suspects:
            for task, outcome in _as_done(client, [suspect], 1):
                yield outcome or task.outcome(None, ALONE)


def _as_done(client: Client, tasks: Sequence[Task], count: int) -> Iterator[tuple[Task, Outcome | None]]:
    """Outcomes as they come; a frame begins only when an earlier outcome was taken, so that a kill loses few."""
    from distributed import as_completed

    left, futures = iter(tasks), dict[Any, Task]()
    done = as_completed(loop=client.loop)

    def refill() -> None:
        window = max(count, sum(client.nthreads().values()))
        while len(futures) < window and (task := next(left, None)) is not None:
            future = client.submit(label_one, task, pure=False)
            futures[future] = task
            done.add(future)

    refill()
    for future in done:
        task = futures.pop(future)
        yield task, _outcome(future, task)
        future.release()
        refill()


def _outcome(future: Future, task: Task) -> Outcome | None:
    """None where the worker died."""
    from distributed import KilledWorker

    if future.status == "finished":
        return future.result()
    if future.status != "error":
        raise SoftfixError(
            "The dask scheduler is gone, and with it the frames in flight: what was labelled before is kept; start "
            "the scheduler and run the same command again."
        )
    error = future.exception()
    if isinstance(error, SoftfixError):
        raise error
    if isinstance(error, KilledWorker):
        return None
    return task.outcome(None, f"its worker failed ({reason_of(error)})")


@contextmanager
def _client(workers: Workers) -> Iterator[Client]:
    try:
        import dask
        import distributed  # noqa: F401
    except ImportError as error:
        raise SoftfixError(
            "More than one worker needs the package dask, which is not installed: pip install 'softfix[parallel]'"
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it says of dead workers, outcomes say
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(SCHEDULER))
        where = workers.scheduler or stack.enter_context(_slurm(workers) if workers.slurm else _local(workers))
        yield stack.enter_context(_connect(where))


def _connect(where: Any) -> Client:
    from distributed import Client

    try:
        return Client(where, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SoftfixError(f"No dask scheduler answers at {where}: check the address, or start it first.") from error


def _local(workers: Workers) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers.count,
        threads_per_worker=1,
        processes=True,
        memory_limit=0,  # a DFT code's memory is its own affair
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )


def _slurm(workers: Workers) -> Any:
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise SoftfixError(
            "--slurm needs the package dask-jobqueue, which is not installed: pip install dask-jobqueue"
        ) from error
    try:
        cluster = SLURMCluster()
    except ValueError as error:
        raise SoftfixError(
            f"SLURM jobs are not described ({' '.join(str(error).split())}): state queue, cores, memory and walltime "
            "under jobqueue: slurm: in ~/.config/dask/jobqueue.yaml."
        ) from error
    cluster.scale(jobs=workers.count)
    return cluster
