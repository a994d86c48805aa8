"""Threads of this process: the numerical libraries leave Python's lock while they work."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from threadpoolctl import threadpool_limits

S = TypeVar("S")
T = TypeVar("T")

MOST = 8  # threads; more wait for memory


def cores() -> int:
    """Threads that this process may use: OMP_NUM_THREADS, which schedulers set, or the cores that it runs on."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(int(told) if told.isdigit() else allowed, MOST))


def side_by_side(function: Callable[[S], T], items: Iterable[S], compiles: bool = False) -> Iterator[T]:
    """function(item) for each, in order; a few are in memory at a time.

    Meanwhile linear algebra has one thread of its own: matrices of some thousand rows gain nothing by more, and those
    that wait for one another take the cores from all else. A function that `compiles` on its first call makes that
    one alone, so that not every thread does.
    """
    items, threads = iter(items), cores()
    with threadpool_limits(1, "blas"):
        yield from map(function, islice(items, 1 if compiles and threads > 1 else 0))
        if threads == 1:
            yield from map(function, items)
            return
        with ThreadPoolExecutor(threads) as pool:
            running: deque[Future[T]] = deque()
            for item in items:
                running.append(pool.submit(function, item))
                if len(running) > threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
