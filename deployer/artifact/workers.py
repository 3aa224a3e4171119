"""Several files at a time, in order, stopping at the first failure."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Generic, TypeVar

__all__ = ["WORKERS", "map_files"]

A = TypeVar("A")
B = TypeVar("B")

WORKERS = 8
"""Files in flight. What they hold in memory is bounded by the transfers' budget."""


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
    with ThreadPoolExecutor(min(workers, max(1, len(items)))) as pool:
        drains = [pool.submit(run.drain) for _ in range(workers)]
        try:
            wait(drains)
        except BaseException as interrupt:
            run.end()
            wait(drains)
            for note in run.notes:
                interrupt.add_note(note)
            raise
    return run.result()


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
