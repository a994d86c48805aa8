"""Labels by workers: a worker that dies costs its frame, not the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from softfix.data.reason import reason_of
from softfix.label.outcome import Outcome, Task, label_one
from softfix.workers import Coming, Workers, as_done, failure_of

if TYPE_CHECKING:
    from distributed import Client, Future

ALONE = "its worker was killed on it, with no other frame running (out of memory?)"


def outcomes(workers: Workers, tasks: Sequence[Task]) -> Coming[Outcome]:
    """Outcomes of the tasks in the order of their ends."""
    here = workers.alone or not tasks
    return Coming(map(label_one, tasks) if here else _through_dask(workers, tasks), len(tasks))


def _through_dask(workers: Workers, tasks: Sequence[Task]) -> Iterator[Outcome]:
    """All tasks; then, one by one, those that were on a worker that died, so that the blame is certain."""
    with workers.client() as client:
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
    return ((task, _outcome(future, task)) for task, future in as_done(client, label_one, tasks, count))


def _outcome(future: Future, task: Task) -> Outcome | None:
    """None where the worker died."""
    from distributed import KilledWorker

    error = failure_of(future)
    if error is None:
        return future.result()
    return None if isinstance(error, KilledWorker) else task.outcome(None, f"its worker failed ({reason_of(error)})")
