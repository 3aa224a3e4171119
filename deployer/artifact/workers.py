"""Several files at a time, in order, stopping at the first failure."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

__all__ = ["WORKERS", "map_files"]

A = TypeVar("A")
B = TypeVar("B")

WORKERS = 4
"""Files in flight: each may hold one part of an upload (16 MiB, more above 150 GB) in memory."""


def map_files(work: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """Return ``[work(item) for item in items]``, done by a few threads.

    At the first failure nothing new is begun; what is under way ends, then the failure is raised.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            pool.shutdown(cancel_futures=True)
    failures = (future.exception() for future in futures if not future.cancelled())
    first = next((failure for failure in failures if failure is not None), None)
    if first is not None:
        raise first
    return [future.result() for future in futures]
