"""Base evaluations by several processes, each into the cache as soon as it is there."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from softfix.data.reason import reason_of
from softfix.errors import SoftfixError
from softfix.evaluations import Evaluation, EvaluationCache, Evaluator
from softfix.workers import Coming, Workers, results

if TYPE_CHECKING:
    from softfix.bases.protocol import Base
    from softfix.data.frames import Frame


def fill(
    cache: EvaluationCache, base: Base, batches: Sequence[Sequence[Frame]], sites: bool, workers: Workers,
    track: Callable[[Iterable], Iterable],
) -> None:  # fmt: skip
    """Evaluate the base on batches of frames, one a task; what a kill costs is the batches in flight.

    Args:
        cache: where every evaluation is written, by this process.
        base: sent to the workers, which build its calculator once.
        batches: frames that are not in the cache.
        sites: whether site energies are wanted too.
        workers: who evaluates.
        track: wraps the frames as they are done, e.g. in a progress bar.

    Raises:
        SoftfixError: if dask is missing, the base can't be sent to another process, a worker dies, or the base gives
            a number that is not finite.
    """
    found = _evaluations(base, batches, sites, workers)
    for frame, evaluation in track(Coming(found, sum(map(len, batches)))):
        cache.write(frame, evaluation)


def _evaluations(
    base: Base, batches: Sequence[Sequence[Frame]], sites: bool, workers: Workers
) -> Iterator[tuple[Frame, Evaluation]]:
    with workers.client() as client:
        (shared,) = client.scatter([(_pickled(base), sites)], broadcast=True, hash=False)
        for batch, found in results(client, _evaluate, batches, workers.count, _name, shared):
            yield from zip(batch, found, strict=True)


def _name(batch: Sequence[Frame]) -> str:
    more = f" and {len(batch) - 1} more frames" if len(batch) > 1 else ""
    return f"evaluating the base for {batch[0].source}{more}"


def _pickled(base: Base) -> bytes:
    from distributed.protocol.pickle import dumps

    try:
        return dumps(base)
    except Exception as error:  # whatever a foreign calculator raises, the user needs one sentence
        raise SoftfixError(
            f"Base '{base.identity.spec}' can't be sent to another process ({reason_of(error)}): name it as "
            "package.module:factory, or leave out the workers."
        ) from error


def _evaluate(batch: Sequence[Frame], shared: tuple[bytes, bool]) -> list[Evaluation]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of foreign packages, which a user cannot act on
        return list(_evaluator(*shared)(batch))


@lru_cache(maxsize=1)
def _evaluator(pickled: bytes, sites: bool) -> Evaluator:
    from distributed.protocol.pickle import loads

    return Evaluator(loads(pickled), sites)
