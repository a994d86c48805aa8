"""Who works: this process, processes of this machine, a dask scheduler, or SLURM."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from softfix.errors import SoftfixError

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")

SCHEDULER = {
    "distributed.scheduler.allowed-failures": 0,  # a second attempt is ours
    "distributed.scheduler.worker-saturation": 1.0,  # tasks wait with the scheduler, not on a worker that may die
}


@dataclass(frozen=True)
class Workers:
    """How many processes, and whose."""

    count: int = 1  # with 1 everything happens in this process; jobs, with SLURM
    scheduler: str | None = None  # address of a dask scheduler
    slurm: bool = False  # jobs as ~/.config/dask/jobqueue.yaml describes them

    def __post_init__(self):
        if self.scheduler and self.slurm:
            raise SoftfixError("Give --scheduler or --slurm, not both.")

    @property
    def alone(self) -> bool:
        """Whether this process does everything."""
        return self.count == 1 and not self.scheduler and not self.slurm

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Dask's client of the workers, which last as long as the block.

        Raises:
            SoftfixError: if dask is missing, no scheduler answers, or SLURM jobs are not described.
        """
        try:
            import dask
            import distributed  # noqa: F401
        except ImportError as error:
            raise SoftfixError(
                "More than one worker needs the package dask, which is not installed: pip install 'softfix[parallel]'"
            ) from error
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it says of dead workers, results say
        with ExitStack() as stack:
            stack.enter_context(dask.config.set(SCHEDULER))
            where = self.scheduler or stack.enter_context(_slurm(self) if self.slurm else _local(self))
            yield stack.enter_context(_connect(where))


class Coming(Generic[T]):
    """Results that are yet to come, with their number, so that a progress bar knows its end."""

    def __init__(self, results: Iterator[T], count: int):
        self.results, self.count = results, count

    def __iter__(self) -> Iterator[T]:
        return self.results

    def __len__(self) -> int:
        return self.count


def as_done(
    client: Client, function: Callable, tasks: Sequence[T], count: int, *shared: Any
) -> Iterator[tuple[T, Future]]:
    """Tasks with the futures of function(task, *shared), as they come.

    A task begins only when an earlier result was taken, so that a kill loses few.

    Args:
        client: of the workers.
        function: what they do.
        tasks: what with.
        count: tasks at once, or as many as the workers have threads, if they are more.
        shared: futures of what every task needs besides.
    """
    from distributed import as_completed

    left, futures = iter(tasks), dict[Any, T]()
    done = as_completed(loop=client.loop)

    def refill() -> None:
        window = max(count, sum(client.nthreads().values()))
        while len(futures) < window and (task := next(left, None)) is not None:
            future = client.submit(function, task, *shared, pure=False)
            futures[future] = task
            done.add(future)

    refill()
    for future in done:
        yield futures.pop(future), future
        future.release()
        refill()


def results(
    client: Client, function: Callable, tasks: Sequence[T], count: int, name: Callable[[T], str], *shared: Any
) -> Iterator[tuple[T, Any]]:
    """Tasks with what function(task, *shared) gave, as they come; see `as_done`.

    Args:
        client: of the workers.
        function: what they do; what it raises is raised.
        tasks: what with.
        count: tasks at once.
        name: of a task, to say what a worker died of.
        shared: futures of what every task needs besides.

    Raises:
        SoftfixError: if a worker dies, or the scheduler is gone.
    """
    from distributed import KilledWorker

    for task, future in as_done(client, function, tasks, count, *shared):
        error = failure_of(future)
        if isinstance(error, KilledWorker):
            raise SoftfixError(
                f"A worker was killed while it was {name(task)} (out of memory?): run the same command again, with "
                "fewer workers; base evaluations that were done are kept."
            ) from error
        if error is not None:
            raise error
        yield task, future.result()


def failure_of(future: Future) -> Exception | None:
    """Why a task failed; None where it did not.

    Raises:
        SoftfixError: if it raised one, or the scheduler is gone.
    """
    if future.status == "finished":
        return None
    if future.status != "error":
        raise SoftfixError(
            "The dask scheduler is gone, and with it what was in flight: what was done before is kept; start the "
            "scheduler and run the same command again."
        )
    error = future.exception()
    if isinstance(error, SoftfixError):
        raise error
    return error


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
        memory_limit=0,  # the memory of a DFT code or a network is its own affair
        dashboard_address=":0",  # any free port: other runs have theirs
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
