"""A few threads that send the parts of all of a store's uploads; whoever feeds them waits."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["Lanes"]

T = TypeVar("T")


class Lanes:
    """``count`` threads, made when first needed; no queue, so no bytes wait in one."""

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="transfer")

    def start(self, call: Callable[[], T]) -> "Future[T]":
        """Begin ``call()`` on a thread, once one is free."""
        self._free.acquire()
        future = self._pool.submit(call)
        future.add_done_callback(lambda _future: self._free.release())
        return future
