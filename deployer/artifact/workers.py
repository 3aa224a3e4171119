"""Several files at a time, in order, stopping at the first failure.

How many depends on what they wait for. Where stores answer at once, threads wait for the
interpreter, which hands itself from one to the next at every call of the system: eight of them take
twice the CPU of two. Where stores are far, more in flight is all that helps. So a few begin, and
more join while the interpreter is not the limit.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

__all__ = ["WORKERS", "map_files"]

A = TypeVar("A")
B = TypeVar("B")

WORKERS = 8
"""Files in flight at most. What they hold in memory is bounded by the transfers' budget."""

_FIRST = 3
_LOOK_SECONDS = 0.02
_BOUND = (0.5, 1.25)
"""Processors in use by threads that queue for the interpreter: about one. With less than half they
wait for stores (or, a little above, for a busy machine); with more they compute outside of it."""


def map_files(
    work: Callable[[A], B],
    items: Sequence[A],
    *,
    stop: Callable[[], None] = lambda: None,
    workers: int = WORKERS,
) -> list[B]:
    """Return ``[work(item) for item in items]``, done by a few threads.

    At the first failure, or when the user interrupts, nothing new is begun, and ``stop`` is called
    to end early what is under way; then the failure is raised. An interrupt carries the notes of
    what was ended: what is left where.
    """
    run = _Run(work, items, stop)
    most = min(workers, max(1, len(items)))
    with ThreadPoolExecutor(most) as pool:
        drains = [pool.submit(run.drain) for _ in range(min(_FIRST, most))]
        try:
            _join_more(pool, run.drain, drains, most)
            wait(drains)
        except BaseException as interrupt:
            run.end()
            wait(drains)
            for note in run.notes:
                interrupt.add_note(note)
            raise
    return run.result()


def _join_more(
    pool: ThreadPoolExecutor, drain: Callable[[], None], drains: "list[Future[None]]", most: int
) -> None:
    """Start ``drain`` on more threads while that helps, until there are ``most`` or all is done."""
    least, greatest = _BOUND
    while len(drains) < most:
        began, used = time.perf_counter(), time.process_time()
        if not wait(drains, _LOOK_SECONDS).not_done:
            return
        busy = (time.process_time() - used) / (time.perf_counter() - began)
        if not least <= busy <= greatest:
            more = min(len(drains), most - len(drains))
            drains += [pool.submit(drain) for _ in range(more)]


class _Run(Generic[A, B]):
    def __init__(
        self, work: Callable[[A], B], items: Sequence[A], stop: Callable[[], None]
    ) -> None:
        self._work = work
        self._next: Iterator[tuple[int, A]] = iter(enumerate(items))
        self._done: dict[int, B] = {}
        self._failure: BaseException | None = None
        self.notes: list[str] = []
        self._stop = stop
        self._ended = False
        self._lock = threading.Lock()

    def drain(self) -> None:
        """Take items until there are none, or until something failed."""
        while (taken := self._take()) is not None:
            index, item = taken
            try:
                self._done[index] = self._work(item)
            except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
                with self._lock:
                    self._failure = self._failure or error
                    self.notes += getattr(error, "__notes__", ())
                self.end()

    def end(self) -> None:
        """Begin nothing new, and end early what is under way."""
        self._ended = True
        self._stop()

    def result(self) -> list[B]:
        """Return the results in the order of the items, or raise the first failure in time."""
        if self._failure is not None:
            raise self._failure
        return [self._done[index] for index in range(len(self._done))]

    def _take(self) -> tuple[int, A] | None:
        with self._lock:
            return None if self._ended else next(self._next, None)
