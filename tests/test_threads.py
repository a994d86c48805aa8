"""Several things at once in this process: in order, few in memory, and with one thread of linear algebra."""

import threading
import time
from itertools import count, islice

import pytest
from threadpoolctl import threadpool_info

from softfix.threads import cores, side_by_side


@pytest.fixture(params=["1", "3"])
def threads(request, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(64), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", request.param)
    return int(request.param)


def test_results_come_in_the_order_of_the_items(threads):
    def slow_at_first(k):
        time.sleep(0.02 if k == 0 else 0.0)
        return k * k

    assert list(side_by_side(slow_at_first, range(7))) == [k * k for k in range(7)]
    assert list(side_by_side(slow_at_first, range(7), compiles=True)) == [k * k for k in range(7)]
    assert list(side_by_side(slow_at_first, [])) == []


def test_an_endless_source_is_gone_through_as_results_are_taken(threads):
    taken = []

    def items():
        for k in count():
            taken.append(k)
            yield k

    assert list(islice(side_by_side(lambda k: k, items()), 5)) == list(range(5))
    assert len(taken) <= 5 + threads + 1


def test_the_first_call_of_a_function_that_compiles_is_over_before_the_others_begin(threads):
    began, over = [], []

    def note(k):
        began.append((k, len(over)))
        time.sleep(0.01)
        over.append(k)

    list(side_by_side(note, range(4), compiles=True))
    assert all(done >= 1 for k, done in began if k > 0)


def test_an_error_reaches_the_caller(threads):
    def fail(k):
        if k == 2:
            raise ValueError("frame 2")
        return k

    with pytest.raises(ValueError, match="frame 2"):
        list(side_by_side(fail, range(5)))


def test_linear_algebra_has_one_thread_meanwhile_and_its_own_number_afterwards(threads):
    def blas(_=None):
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = blas()
    assert all(each == 1 for within in side_by_side(blas, range(3)) for each in within)
    assert blas() == before


def test_work_is_shared_by_as_many_threads_as_are_allowed(threads):
    together = threading.Barrier(threads, timeout=5)
    list(side_by_side(lambda _: together.wait(), range(threads)))  # breaks if fewer threads meet


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert cores() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert cores() == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "two")
    assert cores() == 3
