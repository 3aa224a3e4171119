"""Files side by side: how many, in which order, and what a failure does."""

import threading
from collections.abc import Callable

import pytest

from deployer.artifact.workers import WORKERS, map_files

PATIENCE_SECONDS = 10.0


def wait_for_all() -> Callable[[int], int]:
    """Return work that ends once as many are at it as there may be."""
    barrier = threading.Barrier(WORKERS)

    def work(number: int) -> int:
        barrier.wait(PATIENCE_SECONDS)
        return number

    return work


def test_as_many_as_may_be_wait_for_stores_side_by_side() -> None:
    numbers = list(range(2 * WORKERS))
    assert map_files(wait_for_all(), numbers) == numbers


def test_results_are_in_the_order_of_the_items() -> None:
    first_may_end = threading.Event()

    def work(number: int) -> int:
        if number:
            first_may_end.set()
        else:
            assert first_may_end.wait(PATIENCE_SECONDS)
        return -number

    assert map_files(work, range(5)) == [0, -1, -2, -3, -4]
    assert map_files(work, []) == []


def test_after_a_failure_nothing_new_is_begun() -> None:
    begun: list[int] = []
    ended = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number:
            assert ended.wait(PATIENCE_SECONDS)
        else:
            raise ValueError("the first")

    with pytest.raises(ValueError, match="the first"):
        map_files(work, range(1000), stop=ended.set)
    assert len(begun) <= WORKERS


def test_no_more_threads_work_than_are_asked_for() -> None:
    names: set[str] = set()
    map_files(lambda _number: names.add(threading.current_thread().name), range(100), workers=1)
    assert len(names) == 1
